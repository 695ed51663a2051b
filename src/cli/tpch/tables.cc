#include "cli/tpch/tables.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/tpch/vocabulary.h"

namespace sirocco::tpch {

std::string_view TableName(Table table) {
  static constexpr std::string_view kNames[] = {"region", "nation",   "supplier", "customer",
                                                "part",   "partsupp", "orders",   "lineitem"};
  return kNames[static_cast<size_t>(table)];
}

// Foreign keys are left out on purpose: InnoDB would build a secondary index for each (a third more
// data and load time), analytics in RAPID uses none of them, and the optimizer learns nothing from
// them.
std::string_view TableColumns(Table table) {
  switch (table) {
    case Table::kRegion:
      return "r_regionkey INT NOT NULL, r_name CHAR(25) NOT NULL, r_comment VARCHAR(152) NOT NULL, "
             "PRIMARY KEY (r_regionkey)";
    case Table::kNation:
      return "n_nationkey INT NOT NULL, n_name CHAR(25) NOT NULL, n_regionkey INT NOT NULL, "
             "n_comment VARCHAR(152) NOT NULL, PRIMARY KEY (n_nationkey)";
    case Table::kSupplier:
      return "s_suppkey INT NOT NULL, s_name CHAR(25) NOT NULL, s_address VARCHAR(40) NOT NULL, "
             "s_nationkey INT NOT NULL, s_phone CHAR(15) NOT NULL, s_acctbal DECIMAL(15,2) NOT "
             "NULL, "
             "s_comment VARCHAR(101) NOT NULL, PRIMARY KEY (s_suppkey)";
    case Table::kCustomer:
      return "c_custkey INT NOT NULL, c_name VARCHAR(25) NOT NULL, c_address VARCHAR(40) NOT NULL, "
             "c_nationkey INT NOT NULL, c_phone CHAR(15) NOT NULL, c_acctbal DECIMAL(15,2) NOT "
             "NULL, "
             "c_mktsegment CHAR(10) NOT NULL, c_comment VARCHAR(117) NOT NULL, PRIMARY KEY "
             "(c_custkey)";
    case Table::kPart:
      return "p_partkey INT NOT NULL, p_name VARCHAR(55) NOT NULL, p_mfgr CHAR(25) NOT NULL, "
             "p_brand CHAR(10) NOT NULL, p_type VARCHAR(25) NOT NULL, p_size INT NOT NULL, "
             "p_container CHAR(10) NOT NULL, p_retailprice DECIMAL(15,2) NOT NULL, p_comment "
             "VARCHAR(23) NOT NULL, "
             "PRIMARY KEY (p_partkey)";
    case Table::kPartsupp:
      return "ps_partkey INT NOT NULL, ps_suppkey INT NOT NULL, ps_availqty INT NOT NULL, "
             "ps_supplycost DECIMAL(15,2) NOT NULL, ps_comment VARCHAR(199) NOT NULL, "
             "PRIMARY KEY (ps_partkey, ps_suppkey)";
    case Table::kOrders:
      return "o_orderkey BIGINT NOT NULL, o_custkey INT NOT NULL, o_orderstatus CHAR(1) NOT NULL, "
             "o_totalprice DECIMAL(15,2) NOT NULL, o_orderdate DATE NOT NULL, o_orderpriority "
             "CHAR(15) NOT NULL, "
             "o_clerk CHAR(15) NOT NULL, o_shippriority INT NOT NULL, o_comment VARCHAR(79) NOT "
             "NULL, "
             "PRIMARY KEY (o_orderkey)";
    case Table::kLineitem:
      return "l_orderkey BIGINT NOT NULL, l_partkey INT NOT NULL, l_suppkey INT NOT NULL, "
             "l_linenumber INT NOT NULL, "
             "l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL, "
             "l_discount DECIMAL(15,2) NOT NULL, l_tax DECIMAL(15,2) NOT NULL, l_returnflag "
             "CHAR(1) NOT NULL, "
             "l_linestatus CHAR(1) NOT NULL, l_shipdate DATE NOT NULL, l_commitdate DATE NOT NULL, "
             "l_receiptdate DATE NOT NULL, l_shipinstruct CHAR(25) NOT NULL, l_shipmode CHAR(10) "
             "NOT NULL, "
             "l_comment VARCHAR(44) NOT NULL, PRIMARY KEY (l_orderkey, l_linenumber)";
  }
  return "";
}

Result<Scale> Scale::Make(double factor) {
  if (!(factor >= 0.001)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("scale factor must be at least 0.001: {}", factor));
  }
  if (factor >= 30000) {
    return NotSupported(fmt::format("scale factors from 30000 on are not generated: {}", factor));
  }
  const int64_t per_mille = std::llround(factor * 1000);
  if (std::abs(factor * 1000 - static_cast<double>(per_mille)) > 1e-6 ||
      (per_mille > 1000 && per_mille % 1000 != 0)) {
    return MakeError(
        ErrorCode::kInvalidArgument,
        fmt::format("scale factor must be a multiple of 0.001 below 1, or a whole number: {}",
                    factor));
  }
  return Scale(per_mille);
}

std::string Scale::ToString() const { return fmt::format("{}", factor()); }

int64_t Scale::NumUnits(Table table) const {
  switch (table) {
    case Table::kRegion:
      return kNumRegions;
    case Table::kNation:
      return kNumNations;
    case Table::kSupplier:
      return 10 * per_mille_;
    case Table::kCustomer:
      return 150 * per_mille_;
    case Table::kPart:
    case Table::kPartsupp:
      return 200 * per_mille_;
    case Table::kOrders:
    case Table::kLineitem:
      return 1500 * per_mille_;
  }
  return 0;
}

int64_t Scale::NumRows(Table table) const {
  if (table == Table::kPartsupp) return 4 * NumUnits(table);
  if (table == Table::kLineitem) return 4 * NumUnits(table);
  return NumUnits(table);
}

}  // namespace sirocco::tpch
