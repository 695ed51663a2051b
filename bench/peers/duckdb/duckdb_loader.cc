#include "duckdb_loader.h"

#include <fmt/format.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/tpch/generator.h"

namespace sirocco::bench {
namespace {

using tpch::Table;

constexpr int32_t kFirstDay = 8035;  // 1992-01-01 in days since 1970

const char* TableDefinition(Table table) {
  switch (table) {
    case Table::kRegion:
      return "r_regionkey INTEGER, r_name VARCHAR, r_comment VARCHAR";
    case Table::kNation:
      return "n_nationkey INTEGER, n_name VARCHAR, n_regionkey INTEGER, n_comment VARCHAR";
    case Table::kSupplier:
      return "s_suppkey INTEGER, s_name VARCHAR, s_address VARCHAR, s_nationkey INTEGER, s_phone "
             "VARCHAR, "
             "s_acctbal DECIMAL(15,2), s_comment VARCHAR";
    case Table::kCustomer:
      return "c_custkey INTEGER, c_name VARCHAR, c_address VARCHAR, c_nationkey INTEGER, c_phone "
             "VARCHAR, "
             "c_acctbal DECIMAL(15,2), c_mktsegment VARCHAR, c_comment VARCHAR";
    case Table::kPart:
      return "p_partkey INTEGER, p_name VARCHAR, p_mfgr VARCHAR, p_brand VARCHAR, p_type VARCHAR, "
             "p_size INTEGER, "
             "p_container VARCHAR, p_retailprice DECIMAL(15,2), p_comment VARCHAR";
    case Table::kPartsupp:
      return "ps_partkey INTEGER, ps_suppkey INTEGER, ps_availqty INTEGER, ps_supplycost "
             "DECIMAL(15,2), "
             "ps_comment VARCHAR";
    case Table::kOrders:
      return "o_orderkey BIGINT, o_custkey INTEGER, o_orderstatus VARCHAR, o_totalprice "
             "DECIMAL(15,2), o_orderdate DATE, "
             "o_orderpriority VARCHAR, o_clerk VARCHAR, o_shippriority INTEGER, o_comment VARCHAR";
    case Table::kLineitem:
      return "l_orderkey BIGINT, l_partkey INTEGER, l_suppkey INTEGER, l_linenumber INTEGER, "
             "l_quantity DECIMAL(15,2), "
             "l_extendedprice DECIMAL(15,2), l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), "
             "l_returnflag VARCHAR, "
             "l_linestatus VARCHAR, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, "
             "l_shipinstruct VARCHAR, "
             "l_shipmode VARCHAR, l_comment VARCHAR";
  }
  return "";
}

std::string CreateTableSql(Table table) {
  std::string columns = TableDefinition(table);
  for (size_t at = 0; (at = columns.find(", ", at)) != std::string::npos; at += 11)
    columns.insert(at, " NOT NULL");
  return fmt::format("CREATE TABLE {} ({} NOT NULL)", tpch::TableName(table), columns);
}

// Writes rows column by column into data chunks and hands full chunks to DuckDB.
class ChunkWriter {
 public:
  ChunkWriter(duckdb_connection connection, const std::string& table) {
    failed_ =
        duckdb_appender_create(connection, nullptr, table.c_str(), &appender_) != DuckDBSuccess;
    if (failed_) return;
    std::vector<duckdb_logical_type> types(duckdb_appender_column_count(appender_));
    for (size_t i = 0; i < types.size(); ++i) types[i] = duckdb_appender_column_type(appender_, i);
    chunk_ = duckdb_create_data_chunk(types.data(), types.size());
    for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
    StartChunk();
  }
  ~ChunkWriter() {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
    duckdb_appender_destroy(&appender_);
  }
  ChunkWriter(const ChunkWriter&) = delete;

  ChunkWriter& Int(int64_t value) { return Put(static_cast<int32_t>(value)); }
  ChunkWriter& BigInt(int64_t value) { return Put(value); }
  ChunkWriter& Cents(int64_t value) { return Put(value); }  // DECIMAL(15,2) is an int64 inside
  ChunkWriter& Date(tpch::Day day) { return Put(kFirstDay + day); }
  ChunkWriter& Text(std::string_view text) {
    duckdb_vector_assign_string_element_len(vectors_[column_++], row_, text.data(), text.size());
    return *this;
  }
  ChunkWriter& Character(char c) { return Text({&c, 1}); }
  void EndRow() {
    column_ = 0;
    if (++row_ == duckdb_vector_size()) Flush();
  }

  Result<void> Finish() {
    if (!failed_ && row_ != 0) Flush();
    if (!failed_ && duckdb_appender_close(appender_) != DuckDBSuccess) failed_ = true;
    if (!failed_) return {};
    const char* text = duckdb_appender_error(appender_);
    return MakeError(ErrorCode::kIo,
                     std::string("DuckDB's appender failed: ") + (text == nullptr ? "" : text));
  }

 private:
  template <typename T>
  ChunkWriter& Put(T value) {
    static_cast<T*>(data_[column_++])[row_] = value;
    return *this;
  }
  void StartChunk() {
    duckdb_data_chunk_reset(chunk_);
    const size_t num_columns = duckdb_data_chunk_get_column_count(chunk_);
    vectors_.resize(num_columns);
    data_.resize(num_columns);
    for (size_t i = 0; i < num_columns; ++i) {
      vectors_[i] = duckdb_data_chunk_get_vector(chunk_, i);
      data_[i] = duckdb_vector_get_data(vectors_[i]);
    }
    row_ = 0;
  }
  void Flush() {
    duckdb_data_chunk_set_size(chunk_, row_);
    if (duckdb_append_data_chunk(appender_, chunk_) != DuckDBSuccess) failed_ = true;
    StartChunk();
  }

  duckdb_appender appender_ = nullptr;
  duckdb_data_chunk chunk_ = nullptr;
  std::vector<duckdb_vector> vectors_;
  std::vector<void*> data_;
  size_t column_ = 0;
  size_t row_ = 0;
  bool failed_ = false;
};

template <typename Generator, typename Row, typename Write>
void WriteAll(tpch::Scale scale, Table table, ChunkWriter& out, Write write) {
  Generator generator(tpch::TextPool::Get(), scale, {0, scale.NumUnits(table)});
  for (Row row; generator.Next(row);) {
    write(out, row);
    out.EndRow();
  }
}

void WriteTable(tpch::Scale scale, Table table, ChunkWriter& out) {
  switch (table) {
    case Table::kRegion:
      return WriteAll<tpch::RegionGenerator, tpch::RegionRow>(
          scale, table, out,
          [](auto& out, auto& row) { out.Int(row.regionkey).Text(row.name).Text(row.comment); });
    case Table::kNation:
      return WriteAll<tpch::NationGenerator, tpch::NationRow>(
          scale, table, out, [](auto& out, auto& row) {
            out.Int(row.nationkey).Text(row.name).Int(row.regionkey).Text(row.comment);
          });
    case Table::kSupplier:
      return WriteAll<tpch::SupplierGenerator, tpch::SupplierRow>(
          scale, table, out, [](auto& out, auto& row) {
            out.Int(row.suppkey)
                .Text(fmt::format("Supplier#{:09}", row.suppkey))
                .Text(row.address)
                .Int(row.nationkey);
            out.Text(row.phone).Cents(row.acctbal_cents).Text(row.comment);
          });
    case Table::kCustomer:
      return WriteAll<tpch::CustomerGenerator, tpch::CustomerRow>(
          scale, table, out, [](auto& out, auto& row) {
            out.Int(row.custkey)
                .Text(fmt::format("Customer#{:09}", row.custkey))
                .Text(row.address)
                .Int(row.nationkey);
            out.Text(row.phone).Cents(row.acctbal_cents).Text(row.mktsegment).Text(row.comment);
          });
    case Table::kPart:
      return WriteAll<tpch::PartGenerator,
                      tpch::PartRow>(scale, table, out, [](auto& out, auto& row) {
        out.Int(row.partkey).Text(row.name).Text(fmt::format("Manufacturer#{}", row.manufacturer));
        out.Text(fmt::format("Brand#{}", row.brand))
            .Text(row.type)
            .Int(row.size)
            .Text(row.container);
        out.Cents(row.retailprice_cents).Text(row.comment);
      });
    case Table::kPartsupp:
      return WriteAll<tpch::PartsuppGenerator, tpch::PartsuppRow>(scale, table, out,
                                                                  [](auto& out, auto& row) {
                                                                    out.Int(row.partkey)
                                                                        .Int(row.suppkey)
                                                                        .Int(row.availqty)
                                                                        .Cents(row.supplycost_cents)
                                                                        .Text(row.comment);
                                                                  });
    case Table::kOrders:
      return WriteAll<tpch::OrdersGenerator, tpch::OrdersRow>(
          scale, table, out, [](auto& out, auto& row) {
            out.BigInt(row.orderkey)
                .Int(row.custkey)
                .Character(row.orderstatus)
                .Cents(row.totalprice_cents);
            out.Date(row.orderdate)
                .Text(row.orderpriority)
                .Text(fmt::format("Clerk#{:09}", row.clerk))
                .Int(0);
            out.Text(row.comment);
          });
    case Table::kLineitem:
      return WriteAll<tpch::LineitemGenerator, tpch::LineitemRow>(
          scale, table, out, [](auto& out, auto& row) {
            out.BigInt(row.orderkey)
                .Int(row.partkey)
                .Int(row.suppkey)
                .Int(row.linenumber)
                .Cents(row.quantity * 100);
            out.Cents(row.extendedprice_cents).Cents(row.discount_percent).Cents(row.tax_percent);
            out.Character(row.returnflag).Character(row.linestatus);
            out.Date(row.shipdate).Date(row.commitdate).Date(row.receiptdate);
            out.Text(row.shipinstruct).Text(row.shipmode).Text(row.comment);
          });
  }
}

}  // namespace

Result<void> LoadTpch(DuckdbSession& session, tpch::Scale scale) {
  for (Table table : tpch::kAllTables) {
    RETURN_IF_ERROR(session.Query(CreateTableSql(table)));
    ChunkWriter writer(session.connection(), std::string(tpch::TableName(table)));
    WriteTable(scale, table, writer);
    RETURN_IF_ERROR(writer.Finish());
  }
  RETURN_IF_ERROR(session.Query("ANALYZE"));
  RETURN_IF_ERROR(session.Query("CHECKPOINT"));
  return {};
}

}  // namespace sirocco::bench
