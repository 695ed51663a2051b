// Seeds, ranges and draws per row below are the facts of the TPC's generator that define the
// published data; each column has its own seed. "Owned" draws (third argument of a stream) may
// exceed the used ones.
#include "cli/tpch/generator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sirocco::tpch {
namespace {

constexpr int kMaxLines = 7;  // per order
constexpr int kSuppliersPerPart = 4;
constexpr Day kCurrentDay = 1263;  // 1995-06-17: what was shipped or received by then is history
constexpr Day kLastOrderDay = kNumDays - (121 + 30) - 1;

struct DayTexts {
  char text[kNumDays][10];
  DayTexts() {
    static constexpr int kDaysOfMonth[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    Day day = 0;
    for (int year = 1992; year <= 1998; ++year) {
      for (int month = 0; month < 12; ++month) {
        const int days = kDaysOfMonth[month] + (month == 1 && year % 4 == 0 ? 1 : 0);
        for (int date = 1; date <= days; ++date, ++day) {
          const int digits[] = {year / 1000, year / 100 % 10,  year / 10 % 10,   year % 10,
                                -1,          (month + 1) / 10, (month + 1) % 10, -1,
                                date / 10,   date % 10};
          for (int i = 0; i < 10; ++i)
            text[day][i] = digits[i] < 0 ? '-' : static_cast<char>('0' + digits[i]);
        }
      }
    }
  }
};

// Every eight consecutive keys are followed by a gap of 24, the room the refresh functions use.
int64_t OrderKey(int64_t number) { return (number >> 3 << 5) | (number & 7); }

int64_t RetailPriceCents(int64_t partkey) {
  return 90000 + partkey / 10 % 20001 + partkey % 1000 * 100;
}

// The n-th (0 .. 3) of a part's four suppliers, spread over the supplier table.
int64_t SupplierOfPart(int64_t partkey, int64_t n, int64_t num_suppliers) {
  return (partkey + n * (num_suppliers / kSuppliersPerPart + (partkey - 1) / num_suppliers)) %
             num_suppliers +
         1;
}

// A random string of 10 to 40 characters; takes up to nine draws, five characters each after one
// for the length.
std::string_view DrawAddress(RandomStream& stream, char* out) {
  static constexpr char kCharacters[] =
      "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,";
  const size_t length = stream.NextInt(10, 40);
  int64_t bits = 0;
  for (size_t i = 0; i < length; ++i) {
    if (i % 5 == 0) bits = stream.NextCharacterBits();
    out[i] = kCharacters[bits & 63];
    bits >>= 6;
  }
  return {out, length};
}

// "CC-NNN-NNN-NNNN"; three draws.
std::string_view DrawPhone(RandomStream& stream, int64_t nation, char* out) {
  auto write = [&out](int64_t value, int width) {
    for (int i = width - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
    out += width;
  };
  char* const start = out;
  write(10 + nation, 2);
  *out++ = '-';
  write(stream.NextInt(100, 999), 3);
  *out++ = '-';
  write(stream.NextInt(100, 999), 3);
  *out++ = '-';
  write(stream.NextInt(1000, 9999), 4);
  return {start, 15};
}

}  // namespace

std::string_view DayText(Day day) {
  static const DayTexts texts;
  return {texts.text[day], 10};
}

RegionGenerator::RegionGenerator(const TextPool& pool, Scale, UnitRange range)
    : index_(range.first),
      end_(range.first + range.count),
      comment_(pool, 72, {1500869201, 2, uint64_t(range.first)}) {}

bool RegionGenerator::Next(RegionRow& row) {
  if (index_ == end_) return false;
  row = {index_, kRegions[index_], comment_.Next()};
  comment_.FinishRow();
  ++index_;
  return true;
}

NationGenerator::NationGenerator(const TextPool& pool, Scale, UnitRange range)
    : index_(range.first),
      end_(range.first + range.count),
      comment_(pool, 72, {606179079, 2, uint64_t(range.first)}) {}

bool NationGenerator::Next(NationRow& row) {
  if (index_ == end_) return false;
  row = {index_, kNations[index_].name, kNations[index_].region, comment_.Next()};
  comment_.FinishRow();
  ++index_;
  return true;
}

SupplierGenerator::SupplierGenerator(const TextPool& pool, Scale, UnitRange range)
    : index_(range.first),
      end_(range.first + range.count),
      address_(706178559, 9, index_),
      nation_(110356601, 1, index_),
      phone_(884434366, 3, index_),
      balance_(962338209, 1, index_),
      comment_(pool, 63, {1341315363, 2, uint64_t(range.first)}),
      remark_chance_(202794285, 1, index_),
      remark_gap_(263032577, 1, index_),
      remark_offset_(715851524, 1, index_),
      remark_kind_(753643799, 1, index_) {}

bool SupplierGenerator::Next(SupplierRow& row) {
  if (index_ == end_) return false;
  row.suppkey = ++index_;
  row.address = DrawAddress(address_, address_text_);
  row.nationkey = nation_.NextInt(0, kNumNations - 1);
  row.phone = DrawPhone(phone_, row.nationkey, phone_text_);
  row.acctbal_cents = balance_.NextInt(-99999, 999999);
  row.comment = comment_.Next();

  // About ten suppliers in ten thousand get "Customer ... Complaints" or "Customer ... Recommends"
  // written over their comment.
  static constexpr std::string_view kBase = "Customer ";
  const bool remark = remark_chance_.NextInt(1, 10000) <= 10;
  const bool complaint = remark_kind_.NextInt(0, 100) < 50;
  const int64_t room = static_cast<int64_t>(row.comment.size()) - 19;
  const int64_t gap = remark_gap_.NextInt(0, room);
  const int64_t offset = remark_offset_.NextInt(0, room - gap);
  if (remark) {
    std::memcpy(comment_text_, row.comment.data(), row.comment.size());
    std::memcpy(comment_text_ + offset, kBase.data(), kBase.size());
    std::memcpy(comment_text_ + offset + kBase.size() + gap,
                complaint ? "Complaints" : "Recommends", 10);
    row.comment = {comment_text_, row.comment.size()};
  }

  for (RandomStream* stream : {&address_, &nation_, &phone_, &balance_, &remark_chance_,
                               &remark_gap_, &remark_offset_, &remark_kind_}) {
    stream->FinishRow();
  }
  comment_.FinishRow();
  return true;
}

CustomerGenerator::CustomerGenerator(const TextPool& pool, Scale, UnitRange range)
    : index_(range.first),
      end_(range.first + range.count),
      address_(881155353, 9, index_),
      nation_(1489529863, 1, index_),
      phone_(1521138112, 3, index_),
      balance_(298370230, 1, index_),
      segment_(1140279430, 1, index_),
      comment_(pool, 73, {1335826707, 2, uint64_t(range.first)}) {}

bool CustomerGenerator::Next(CustomerRow& row) {
  if (index_ == end_) return false;
  row.custkey = ++index_;
  row.address = DrawAddress(address_, address_text_);
  row.nationkey = nation_.NextInt(0, kNumNations - 1);
  row.phone = DrawPhone(phone_, row.nationkey, phone_text_);
  row.acctbal_cents = balance_.NextInt(-99999, 999999);
  row.mktsegment = GetVocabulary().segments.Pick(segment_);
  row.comment = comment_.Next();
  for (RandomStream* stream : {&address_, &nation_, &phone_, &balance_, &segment_})
    stream->FinishRow();
  comment_.FinishRow();
  return true;
}

PartGenerator::PartGenerator(const TextPool& pool, Scale, UnitRange range)
    : index_(range.first),
      end_(range.first + range.count),
      name_(709314158, kNumColors, index_),
      manufacturer_(1, 1, index_),
      brand_(46831694, 1, index_),
      type_(1841581359, 1, index_),
      size_(1193163244, 1, index_),
      container_(727633698, 1, index_),
      comment_(pool, 14, {804159733, 2, uint64_t(range.first)}) {}

bool PartGenerator::Next(PartRow& row) {
  if (index_ == end_) return false;
  row.partkey = ++index_;

  // The name is the first five colors of a shuffle.
  std::array<uint8_t, kNumColors> order;
  for (int i = 0; i < kNumColors; ++i) order[i] = static_cast<uint8_t>(i);
  char* out = name_text_;
  for (int i = 0; i < 5; ++i) {
    std::swap(order[i], order[name_.NextInt(i, kNumColors - 1)]);
    const std::string_view color = kColors[order[i]];
    if (i != 0) *out++ = ' ';
    out = std::copy(color.begin(), color.end(), out);
  }
  row.name = {name_text_, static_cast<size_t>(out - name_text_)};

  const Vocabulary& words = GetVocabulary();
  row.manufacturer = static_cast<int>(manufacturer_.NextInt(1, 5));
  row.brand = row.manufacturer * 10 + static_cast<int>(brand_.NextInt(1, 5));
  row.type = words.part_types.Pick(type_);
  row.size = static_cast<int>(size_.NextInt(1, 50));
  row.container = words.containers.Pick(container_);
  row.retailprice_cents = RetailPriceCents(row.partkey);
  row.comment = comment_.Next();
  for (RandomStream* stream : {&name_, &manufacturer_, &brand_, &type_, &size_, &container_})
    stream->FinishRow();
  comment_.FinishRow();
  return true;
}

PartsuppGenerator::PartsuppGenerator(const TextPool& pool, Scale scale, UnitRange range)
    : num_suppliers_(scale.NumUnits(Table::kSupplier)),
      index_(range.first),
      end_(range.first + range.count),
      quantity_(1671059989, kSuppliersPerPart, index_),
      cost_(1051288424, kSuppliersPerPart, index_),
      comment_(pool, 124, {1961692154, 2 * kSuppliersPerPart, uint64_t(range.first)}) {}

bool PartsuppGenerator::Next(PartsuppRow& row) {
  if (index_ == end_) return false;
  row.partkey = index_ + 1;
  row.suppkey = SupplierOfPart(row.partkey, supplier_, num_suppliers_);
  row.availqty = quantity_.NextInt(1, 9999);
  row.supplycost_cents = cost_.NextInt(100, 100000);
  row.comment = comment_.Next();
  if (++supplier_ == kSuppliersPerPart) {
    supplier_ = 0;
    ++index_;
    quantity_.FinishRow();
    cost_.FinishRow();
    comment_.FinishRow();
  }
  return true;
}

LineStreams::LineStreams(uint64_t first_order)
    : order_date(1066728069, 1, first_order),
      line_count(1434868289, 1, first_order),
      quantity(209208115, kMaxLines, first_order),
      discount(554590007, kMaxLines, first_order),
      tax(721958466, kMaxLines, first_order),
      part(1808217256, kMaxLines, first_order),
      ship_date(1769349045, kMaxLines, first_order) {}

void LineStreams::FinishRow() {
  for (RandomStream* stream :
       {&order_date, &line_count, &quantity, &discount, &tax, &part, &ship_date}) {
    stream->FinishRow();
  }
}

OrdersGenerator::OrdersGenerator(const TextPool& pool, Scale scale, UnitRange range)
    : num_customers_(scale.NumUnits(Table::kCustomer)),
      num_parts_(scale.NumUnits(Table::kPart)),
      num_clerks_(std::max<int64_t>(1000, static_cast<int64_t>(scale.factor()) * 1000)),
      index_(range.first),
      end_(range.first + range.count),
      lines_(index_),
      customer_(851767375, 1, index_),
      priority_(591449447, 1, index_),
      clerk_(1171034773, 1, index_),
      comment_(pool, 49, {276090261, 2, uint64_t(range.first)}) {}

bool OrdersGenerator::Next(OrdersRow& row) {
  if (index_ == end_) return false;
  row.orderkey = OrderKey(++index_);

  // A third of the customers never order: keys divisible by three move to a neighbour, away from
  // the table's end.
  row.custkey = customer_.NextInt(1, num_customers_);
  for (int64_t step = 1; row.custkey % 3 == 0; step = -step)
    row.custkey = std::min(row.custkey + step, num_customers_);

  row.orderdate = static_cast<Day>(lines_.order_date.NextInt(0, kLastOrderDay));
  const int num_lines = static_cast<int>(lines_.line_count.NextInt(1, kMaxLines));
  int num_shipped = 0;
  row.totalprice_cents = 0;
  for (int line = 0; line < num_lines; ++line) {
    const int64_t quantity = lines_.quantity.NextInt(1, 50);
    const int64_t discount = lines_.discount.NextInt(0, 10);
    const int64_t tax = lines_.tax.NextInt(0, 8);
    const int64_t price = RetailPriceCents(lines_.part.NextInt(1, num_parts_)) * quantity;
    row.totalprice_cents += price * (100 - discount) / 100 * (100 + tax) / 100;
    if (row.orderdate + lines_.ship_date.NextInt(1, 121) <= kCurrentDay) ++num_shipped;
  }
  row.orderstatus = num_shipped == num_lines ? 'F' : num_shipped > 0 ? 'P' : 'O';
  row.orderpriority = GetVocabulary().priorities.Pick(priority_);
  row.clerk = clerk_.NextInt(1, num_clerks_);
  row.comment = comment_.Next();

  lines_.FinishRow();
  for (RandomStream* stream : {&customer_, &priority_, &clerk_}) stream->FinishRow();
  comment_.FinishRow();
  return true;
}

LineitemGenerator::LineitemGenerator(const TextPool& pool, Scale scale, UnitRange range)
    : num_parts_(scale.NumUnits(Table::kPart)),
      num_suppliers_(scale.NumUnits(Table::kSupplier)),
      index_(range.first),
      end_(range.first + range.count),
      lines_(index_),
      supplier_(2095021727, kMaxLines, index_),
      commit_date_(904914315, kMaxLines, index_),
      receipt_date_(373135028, kMaxLines, index_),
      return_flag_(717419739, kMaxLines, index_),
      instruction_(1371272478, kMaxLines, index_),
      mode_(675466456, kMaxLines, index_),
      comment_(pool, 27, {1095462486, 2 * kMaxLines, uint64_t(range.first)}) {}

bool LineitemGenerator::Next(LineitemRow& row) {
  if (index_ == end_) return false;
  if (num_lines_ == 0) {
    order_date_ = static_cast<Day>(lines_.order_date.NextInt(0, kLastOrderDay));
    num_lines_ = static_cast<int>(lines_.line_count.NextInt(1, kMaxLines));
  }
  const Vocabulary& words = GetVocabulary();
  row.orderkey = OrderKey(index_ + 1);
  row.partkey = lines_.part.NextInt(1, num_parts_);
  row.suppkey =
      SupplierOfPart(row.partkey, supplier_.NextInt(0, kSuppliersPerPart - 1), num_suppliers_);
  row.linenumber = line_ + 1;
  row.quantity = lines_.quantity.NextInt(1, 50);
  row.extendedprice_cents = RetailPriceCents(row.partkey) * row.quantity;
  row.discount_percent = lines_.discount.NextInt(0, 10);
  row.tax_percent = lines_.tax.NextInt(0, 8);
  row.shipdate = order_date_ + static_cast<Day>(lines_.ship_date.NextInt(1, 121));
  row.commitdate = order_date_ + static_cast<Day>(commit_date_.NextInt(30, 90));
  row.receiptdate = row.shipdate + static_cast<Day>(receipt_date_.NextInt(1, 30));
  // The flag's draw is made only when it is needed, so later lines of the order see fewer draws.
  row.returnflag = row.receiptdate <= kCurrentDay ? words.return_flags.Pick(return_flag_)[0] : 'N';
  row.linestatus = row.shipdate <= kCurrentDay ? 'F' : 'O';
  row.shipinstruct = words.instructions.Pick(instruction_);
  row.shipmode = words.modes.Pick(mode_);
  row.comment = comment_.Next();
  if (++line_ == num_lines_) FinishOrder();
  return true;
}

void LineitemGenerator::FinishOrder() {
  ++index_;
  line_ = 0;
  num_lines_ = 0;
  lines_.FinishRow();
  for (RandomStream* stream :
       {&supplier_, &commit_date_, &receipt_date_, &return_flag_, &instruction_, &mode_}) {
    stream->FinishRow();
  }
  comment_.FinishRow();
}

}  // namespace sirocco::tpch
