// The eight tables of TPC-H: names, sizes per scale factor, and their definition as a MySQL user
// would write it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::tpch {

enum class Table : uint8_t {
  kRegion,
  kNation,
  kSupplier,
  kCustomer,
  kPart,
  kPartsupp,
  kOrders,
  kLineitem
};

inline constexpr std::array kAllTables = {Table::kRegion,   Table::kNation,  Table::kSupplier,
                                          Table::kCustomer, Table::kPart,    Table::kPartsupp,
                                          Table::kOrders,   Table::kLineitem};

// Lower case, as in SQL.
std::string_view TableName(Table table);

// Column definitions and primary key in MySQL's SQL, the part between the parentheses of CREATE
// TABLE.
std::string_view TableColumns(Table table);

// A scale factor the reference generator knows: a multiple of 0.001 below 1, a whole number from 1
// on.
class Scale {
 public:
  // Errors: kInvalidArgument for other values; kNotSupported from 30,000 on (there the reference
  // changes generators).
  static Result<Scale> Make(double factor);

  double factor() const { return per_mille_ / 1000.0; }
  // "0.01", "1", "10".
  std::string ToString() const;

  // What a generator counts and a range of it means: orders for ORDERS and LINEITEM, parts for PART
  // and PARTSUPP, else rows.
  int64_t NumUnits(Table table) const;
  // Exact, but for LINEITEM (1 to 7 rows an order) an estimate within 1 %.
  int64_t NumRows(Table table) const;

 private:
  explicit Scale(int64_t per_mille) : per_mille_(per_mille) {}
  int64_t per_mille_;
};

}  // namespace sirocco::tpch
