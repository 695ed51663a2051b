#include "automl/table.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr int64_t kMicros = 1000000;

// Reads digits; false if there are none or too many.
bool TakeNumber(std::string_view* text, int64_t* value, size_t max_digits = 9) {
  size_t size = 0;
  *value = 0;
  while (size < text->size() && (*text)[size] >= '0' && (*text)[size] <= '9')
    *value = *value * 10 + ((*text)[size++] - '0');
  if (size == 0 || size > max_digits) return false;
  text->remove_prefix(size);
  return true;
}

bool TakeCharacter(std::string_view* text, char c) {
  if (text->empty() || text->front() != c) return false;
  text->remove_prefix(1);
  return true;
}

// ".ffffff" if there is one.
bool TakeFraction(std::string_view* text, int64_t* micros) {
  *micros = 0;
  if (!TakeCharacter(text, '.')) return true;
  int64_t scale = 100000;
  size_t digits = 0;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9' && ++digits <= 9) {
    *micros += (text->front() - '0') * scale;
    scale /= 10;
    text->remove_prefix(1);
  }
  return true;
}

bool TakeClock(std::string_view* text, int64_t* micros) {
  int64_t hours, minutes, seconds = 0, fraction = 0;
  if (!TakeNumber(text, &hours, 3) || !TakeCharacter(text, ':') || !TakeNumber(text, &minutes, 2))
    return false;
  if (TakeCharacter(text, ':') && !TakeNumber(text, &seconds, 2)) return false;
  if (!TakeFraction(text, &fraction) || minutes > 59 || seconds > 59) return false;
  *micros = ((hours * 60 + minutes) * 60 + seconds) * kMicros + fraction;
  return true;
}

std::optional<double> NumberOf(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The text of a value in a string column: numbers as JSON writes them.
std::string TextOf(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<int64_t> IntegerOf(const Json& value, ColumnKind kind) {
  if (value.is_string()) {
    int64_t micros;
    const std::string& text = value.get_ref<const std::string&>();
    if ((kind == ColumnKind::kDate || kind == ColumnKind::kDateTime) &&
        ParseDateTime(text, &micros))
      return micros;
    if (kind == ColumnKind::kTime && ParseTime(text, &micros)) return micros;
  }
  if (value.is_number_unsigned() && kind == ColumnKind::kUnsigned)
    return static_cast<int64_t>(value.get<uint64_t>());
  if (value.is_number_integer()) return value.get<int64_t>();
  if (kind == ColumnKind::kDate || kind == ColumnKind::kDateTime || kind == ColumnKind::kTime)
    return std::nullopt;
  const std::optional<double> number = NumberOf(value);
  if (!number || !(std::abs(*number) < 9.2e18)) return std::nullopt;
  return std::llround(*number);
}

}  // namespace

bool ParseDateTime(std::string_view text, int64_t* micros) {
  int64_t year, month, day, clock = 0;
  if (!TakeNumber(&text, &year, 4) || !TakeCharacter(&text, '-') || !TakeNumber(&text, &month, 2) ||
      !TakeCharacter(&text, '-') || !TakeNumber(&text, &day, 2))
    return false;
  if ((TakeCharacter(&text, ' ') || TakeCharacter(&text, 'T')) && !TakeClock(&text, &clock))
    return false;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!text.empty() || !date.ok()) return false;
  *micros = std::chrono::sys_days(date).time_since_epoch().count() * 86400 * kMicros + clock;
  return true;
}

bool ParseTime(std::string_view text, int64_t* micros) {
  const bool is_negative = TakeCharacter(&text, '-');
  if (!TakeClock(&text, micros) || !text.empty()) return false;
  if (is_negative) *micros = -*micros;
  return true;
}

Storage StorageOf(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kFloat:
      return Storage::kFloat;
    case ColumnKind::kString:
    case ColumnKind::kText:
      return Storage::kText;
    default:
      return Storage::kInteger;
  }
}

double Column::NumberAt(size_t row) const {
  if (StorageOf(spec.kind) == Storage::kFloat) return f64[row];
  return spec.kind == ColumnKind::kUnsigned ? static_cast<double>(static_cast<uint64_t>(i64[row]))
                                            : static_cast<double>(i64[row]);
}

std::string Column::TextAt(size_t row) const {
  switch (StorageOf(spec.kind)) {
    case Storage::kText:
      return str[row];
    case Storage::kFloat: {
      char text[32];
      std::snprintf(text, sizeof(text), "%.15g", f64[row]);
      return text;
    }
    default:
      return spec.kind == ColumnKind::kUnsigned ? std::to_string(static_cast<uint64_t>(i64[row]))
                                                : std::to_string(i64[row]);
  }
}

Table::Table(std::vector<ColumnSpec> columns) {
  for (ColumnSpec& column : columns) columns_.emplace_back().spec = std::move(column);
}

const Column* Table::Find(std::string_view name) const {
  for (const Column& values : columns_)
    if (values.spec.name == name) return &values;
  return nullptr;
}

void Table::Clear() {
  num_rows_ = 0;
  for (Column& values : columns_) {
    values.f64.clear();
    values.i64.clear();
    values.str.clear();
    values.is_null.clear();
  }
}

Result<void> Table::AppendJson(std::string_view object) {
  const Json row = Json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object()) return MakeError(ErrorCode::kInvalidArgument, "the row is no JSON object");
  std::string missing;
  for (const Column& values : columns_)
    if (!row.contains(values.spec.name))
      missing += (missing.empty() ? "" : ", ") + values.spec.name;
  if (!missing.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "Columns of provided data need to match those used for training. The row has "
                     "no member named " +
                         missing + ".");
  const auto wrong = [](const Column& values, const Json& value) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003015: The value of " + values.spec.name +
                         " does not match the column's type in training, " + values.spec.type +
                         ": " + TextOf(value));
  };
  // Values first, so that an error leaves no half row.
  for (const Column& values : columns_) {
    const Json& value = row[values.spec.name];
    const Storage lane = StorageOf(values.spec.kind);
    if (value.is_null() || lane == Storage::kText) continue;
    if (lane == Storage::kFloat ? !NumberOf(value) : !IntegerOf(value, values.spec.kind))
      return wrong(values, value);
  }
  for (Column& values : columns_) {
    const Json& value = row[values.spec.name];
    const bool is_null = value.is_null();
    values.is_null.push_back(is_null);
    switch (StorageOf(values.spec.kind)) {
      case Storage::kFloat:
        values.f64.push_back(is_null ? 0 : *NumberOf(value));
        break;
      case Storage::kText:
        values.str.push_back(is_null ? std::string() : TextOf(value));
        break;
      default:
        values.i64.push_back(is_null ? 0 : *IntegerOf(value, values.spec.kind));
    }
  }
  ++num_rows_;
  return {};
}

}  // namespace sirocco::automl
