// Rows of the TPC-H tables, bit for bit those of the TPC's own generator at the same scale factor.
//
// Each generator yields the rows of a range of units (see Scale::NumUnits) in key order: construct
// it, call Next until it returns false. Any range can be made on its own; generators of different
// ranges run in different threads. Strings of a row live until the next call of Next, or as long as
// the pool.
#pragma once

#include <cstdint>
#include <string_view>

#include "cli/tpch/random_stream.h"
#include "cli/tpch/tables.h"
#include "cli/tpch/text_pool.h"
#include "cli/tpch/vocabulary.h"

namespace sirocco::tpch {

// Units first .. first + count - 1, counted from 0.
struct UnitRange {
  int64_t first = 0;
  int64_t count = 0;
};

// Days since 1992-01-01; 0 .. 2556 (1998-12-31).
using Day = int32_t;
inline constexpr int kNumDays = 2557;
// "YYYY-MM-DD", ten characters that live as long as the program.
std::string_view DayText(Day day);

// Money is in cents throughout, percentages are whole.
struct RegionRow {
  int64_t regionkey;
  std::string_view name, comment;
};
struct NationRow {
  int64_t nationkey;
  std::string_view name;
  int64_t regionkey;
  std::string_view comment;
};
struct SupplierRow {
  int64_t suppkey;
  std::string_view address;
  int64_t nationkey;
  std::string_view phone;
  int64_t acctbal_cents;
  std::string_view comment;
};
struct CustomerRow {
  int64_t custkey;
  std::string_view address;
  int64_t nationkey;
  std::string_view phone;
  int64_t acctbal_cents;
  std::string_view mktsegment, comment;
};
struct PartRow {
  int64_t partkey;
  std::string_view name;
  int manufacturer, brand;  // "Manufacturer#1", "Brand#13"
  std::string_view type;
  int size;
  std::string_view container;
  int64_t retailprice_cents;
  std::string_view comment;
};
struct PartsuppRow {
  int64_t partkey, suppkey;
  int64_t availqty, supplycost_cents;
  std::string_view comment;
};
struct OrdersRow {
  int64_t orderkey, custkey;
  char orderstatus;
  int64_t totalprice_cents;
  Day orderdate;
  std::string_view orderpriority;
  int64_t clerk;  // "Clerk#000000951"
  std::string_view comment;
};
struct LineitemRow {
  int64_t orderkey, partkey, suppkey;
  int linenumber;
  int64_t quantity, extendedprice_cents, discount_percent, tax_percent;
  char returnflag, linestatus;
  Day shipdate, commitdate, receiptdate;
  std::string_view shipinstruct, shipmode, comment;
};

class RegionGenerator {
 public:
  RegionGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(RegionRow& row);

 private:
  int64_t index_, end_;
  CommentColumn comment_;
};

class NationGenerator {
 public:
  NationGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(NationRow& row);

 private:
  int64_t index_, end_;
  CommentColumn comment_;
};

class SupplierGenerator {
 public:
  SupplierGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(SupplierRow& row);

 private:
  int64_t index_, end_;
  RandomStream address_, nation_, phone_, balance_;
  CommentColumn comment_;
  RandomStream remark_chance_, remark_gap_, remark_offset_, remark_kind_;
  char address_text_[40], phone_text_[15], comment_text_[101];
};

class CustomerGenerator {
 public:
  CustomerGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(CustomerRow& row);

 private:
  int64_t index_, end_;
  RandomStream address_, nation_, phone_, balance_, segment_;
  CommentColumn comment_;
  char address_text_[40], phone_text_[15];
};

class PartGenerator {
 public:
  PartGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(PartRow& row);

 private:
  int64_t index_, end_;
  RandomStream name_, manufacturer_, brand_, type_, size_, container_;
  CommentColumn comment_;
  char name_text_[64];
};

class PartsuppGenerator {
 public:
  PartsuppGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(PartsuppRow& row);

 private:
  int64_t num_suppliers_;
  int64_t index_, end_;
  int supplier_ = 0;  // 0 .. 3 of the current part
  RandomStream quantity_, cost_;
  CommentColumn comment_;
};

// The draws that ORDERS and LINEITEM share: an order's total and status are sums over its lines.
struct LineStreams {
  explicit LineStreams(uint64_t first_order);
  void FinishRow();
  RandomStream order_date, line_count, quantity, discount, tax, part, ship_date;
};

class OrdersGenerator {
 public:
  OrdersGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(OrdersRow& row);

 private:
  int64_t num_customers_, num_parts_, num_clerks_;
  int64_t index_, end_;
  LineStreams lines_;
  RandomStream customer_, priority_, clerk_;
  CommentColumn comment_;
};

class LineitemGenerator {
 public:
  LineitemGenerator(const TextPool& pool, Scale scale, UnitRange range);
  bool Next(LineitemRow& row);

 private:
  void FinishOrder();

  int64_t num_parts_, num_suppliers_;
  int64_t index_, end_;
  int line_ = 0;
  int num_lines_ = 0;  // of the current order; 0: not drawn yet
  Day order_date_ = 0;
  LineStreams lines_;
  RandomStream supplier_, commit_date_, receipt_date_, return_flag_, instruction_, mode_;
  CommentColumn comment_;
};

}  // namespace sirocco::tpch
