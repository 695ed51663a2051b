#include "cli/tpch/table_text.h"

#include <charconv>
#include <cstring>
#include <string_view>

namespace sirocco::tpch {
namespace {

// Writes the fields of one line at a cursor; the caller has made sure of kMaxLine bytes.
class LineWriter {
 public:
  explicit LineWriter(char* out) : out_(out) {}

  LineWriter& Text(std::string_view text) {
    std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
    return Bar();
  }
  LineWriter& Character(char c) {
    *out_++ = c;
    return Bar();
  }
  LineWriter& Number(int64_t value) {
    out_ = std::to_chars(out_, out_ + 20, value).ptr;
    return Bar();
  }
  LineWriter& Money(int64_t cents) {
    if (cents < 0) {
      *out_++ = '-';
      cents = -cents;
    }
    out_ = std::to_chars(out_, out_ + 20, cents / 100).ptr;
    *out_++ = '.';
    *out_++ = static_cast<char>('0' + cents / 10 % 10);
    *out_++ = static_cast<char>('0' + cents % 10);
    return Bar();
  }
  // prefix, then the number with at least `width` digits.
  LineWriter& Numbered(std::string_view prefix, int64_t value, int width) {
    std::memcpy(out_, prefix.data(), prefix.size());
    out_ += prefix.size();
    char digits[20];
    const size_t length = std::to_chars(digits, digits + 20, value).ptr - digits;
    for (size_t i = length; i < static_cast<size_t>(width); ++i) *out_++ = '0';
    std::memcpy(out_, digits, length);
    out_ += length;
    return Bar();
  }
  char* Finish(LineEnd line_end) {
    if (line_end == LineEnd::kPlain) --out_;
    *out_++ = '\n';
    return out_;
  }

 private:
  LineWriter& Bar() {
    *out_++ = '|';
    return *this;
  }
  char* out_;
};

void Write(LineWriter& out, const RegionRow& row) {
  out.Number(row.regionkey).Text(row.name).Text(row.comment);
}

void Write(LineWriter& out, const NationRow& row) {
  out.Number(row.nationkey).Text(row.name).Number(row.regionkey).Text(row.comment);
}

void Write(LineWriter& out, const SupplierRow& row) {
  out.Number(row.suppkey)
      .Numbered("Supplier#", row.suppkey, 9)
      .Text(row.address)
      .Number(row.nationkey)
      .Text(row.phone);
  out.Money(row.acctbal_cents).Text(row.comment);
}

void Write(LineWriter& out, const CustomerRow& row) {
  out.Number(row.custkey)
      .Numbered("Customer#", row.custkey, 9)
      .Text(row.address)
      .Number(row.nationkey)
      .Text(row.phone);
  out.Money(row.acctbal_cents).Text(row.mktsegment).Text(row.comment);
}

void Write(LineWriter& out, const PartRow& row) {
  out.Number(row.partkey)
      .Text(row.name)
      .Numbered("Manufacturer#", row.manufacturer, 1)
      .Numbered("Brand#", row.brand, 1);
  out.Text(row.type)
      .Number(row.size)
      .Text(row.container)
      .Money(row.retailprice_cents)
      .Text(row.comment);
}

void Write(LineWriter& out, const PartsuppRow& row) {
  out.Number(row.partkey)
      .Number(row.suppkey)
      .Number(row.availqty)
      .Money(row.supplycost_cents)
      .Text(row.comment);
}

void Write(LineWriter& out, const OrdersRow& row) {
  out.Number(row.orderkey)
      .Number(row.custkey)
      .Character(row.orderstatus)
      .Money(row.totalprice_cents);
  out.Text(DayText(row.orderdate))
      .Text(row.orderpriority)
      .Numbered("Clerk#", row.clerk, 9)
      .Character('0')
      .Text(row.comment);
}

void Write(LineWriter& out, const LineitemRow& row) {
  out.Number(row.orderkey)
      .Number(row.partkey)
      .Number(row.suppkey)
      .Number(row.linenumber)
      .Number(row.quantity);
  out.Money(row.extendedprice_cents).Money(row.discount_percent).Money(row.tax_percent);
  out.Character(row.returnflag).Character(row.linestatus);
  out.Text(DayText(row.shipdate)).Text(DayText(row.commitdate)).Text(DayText(row.receiptdate));
  out.Text(row.shipinstruct).Text(row.shipmode).Text(row.comment);
}

template <typename Generator, typename Row>
class GeneratedText final : public TableText {
 public:
  GeneratedText(const TextPool& pool, Scale scale, UnitRange range, LineEnd line_end)
      : generator_(pool, scale, range), line_end_(line_end) {}

  size_t Read(std::span<char> buffer) override {
    char* out = buffer.data();
    char* const last = out + buffer.size() - kMaxLine;
    Row row;
    while (out <= last && generator_.Next(row)) {
      LineWriter writer(out);
      Write(writer, row);
      out = writer.Finish(line_end_);
      ++num_rows_;
    }
    return out - buffer.data();
  }

 private:
  Generator generator_;
  LineEnd line_end_;
};

}  // namespace

std::unique_ptr<TableText> TableText::Make(const TextPool& pool, Scale scale, Table table,
                                           UnitRange range, LineEnd line_end) {
  switch (table) {
    case Table::kRegion:
      return std::make_unique<GeneratedText<RegionGenerator, RegionRow>>(pool, scale, range,
                                                                         line_end);
    case Table::kNation:
      return std::make_unique<GeneratedText<NationGenerator, NationRow>>(pool, scale, range,
                                                                         line_end);
    case Table::kSupplier:
      return std::make_unique<GeneratedText<SupplierGenerator, SupplierRow>>(pool, scale, range,
                                                                             line_end);
    case Table::kCustomer:
      return std::make_unique<GeneratedText<CustomerGenerator, CustomerRow>>(pool, scale, range,
                                                                             line_end);
    case Table::kPart:
      return std::make_unique<GeneratedText<PartGenerator, PartRow>>(pool, scale, range, line_end);
    case Table::kPartsupp:
      return std::make_unique<GeneratedText<PartsuppGenerator, PartsuppRow>>(pool, scale, range,
                                                                             line_end);
    case Table::kOrders:
      return std::make_unique<GeneratedText<OrdersGenerator, OrdersRow>>(pool, scale, range,
                                                                         line_end);
    case Table::kLineitem:
      return std::make_unique<GeneratedText<LineitemGenerator, LineitemRow>>(pool, scale, range,
                                                                             line_end);
  }
  return nullptr;
}

}  // namespace sirocco::tpch
