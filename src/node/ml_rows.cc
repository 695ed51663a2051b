#include "node/ml_rows.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace sirocco::node {

namespace {

using Json = nlohmann::json;
using wire::MlColumnKind;

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

std::optional<int64_t> IntegerOf(const Json& value, MlColumnKind kind) {
  if (value.is_string()) {
    int64_t micros;
    const std::string& text = value.get_ref<const std::string&>();
    if ((kind == MlColumnKind::kDate || kind == MlColumnKind::kDateTime) &&
        ParseDateTime(text, &micros))
      return micros;
    if (kind == MlColumnKind::kTime && ParseTime(text, &micros)) return micros;
  }
  if (value.is_number_unsigned() && kind == MlColumnKind::kUnsigned)
    return static_cast<int64_t>(value.get<uint64_t>());
  if (value.is_number_integer()) return value.get<int64_t>();
  if (kind == MlColumnKind::kDate || kind == MlColumnKind::kDateTime || kind == MlColumnKind::kTime)
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

MlRows::MlRows(std::vector<wire::MlColumn> columns) {
  for (wire::MlColumn& column : columns) columns_.emplace_back().column = std::move(column);
}

const MlValues* MlRows::Find(std::string_view name) const {
  for (const MlValues& values : columns_)
    if (values.column.name == name) return &values;
  return nullptr;
}

void MlRows::Clear() {
  num_rows_ = 0;
  for (MlValues& values : columns_) {
    values.f64.clear();
    values.i64.clear();
    values.str.clear();
    values.is_null.clear();
  }
}

Result<void> MlRows::Append(const wire::ColumnBatchView& batch) {
  if (batch.columns().size() != columns_.size())
    return MakeError(ErrorCode::kInvalidArgument, "a batch has a wrong number of columns");
  for (size_t i = 0; i < columns_.size(); ++i)
    if (batch.columns()[i].lane != wire::LaneOf(columns_[i].column.kind))
      return MakeError(ErrorCode::kInvalidArgument,
                       "a batch has a wrong lane for column " + columns_[i].column.name);
  const uint32_t count = batch.num_rows();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const wire::ColumnBatchView::Column& from = batch.columns()[i];
    MlValues& to = columns_[i];
    if (from.nulls == nullptr)
      to.is_null.insert(to.is_null.end(), count, 0);
    else
      to.is_null.insert(to.is_null.end(), from.nulls, from.nulls + count);
    switch (from.lane) {
      case plan::Lane::kF64: {
        const auto* values = static_cast<const double*>(from.values);
        to.f64.insert(to.f64.end(), values, values + count);
        break;
      }
      case plan::Lane::kStr:
        for (uint32_t row = 0; row < count; ++row) to.str.emplace_back(from.str(row));
        break;
      default: {
        const auto* values = static_cast<const int64_t*>(from.values);
        to.i64.insert(to.i64.end(), values, values + count);
      }
    }
  }
  num_rows_ += count;
  return {};
}

Result<void> MlRows::AppendJson(std::string_view object) {
  const Json row = Json::parse(object, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object()) return MakeError(ErrorCode::kInvalidArgument, "the row is no JSON object");
  std::string missing;
  for (const MlValues& values : columns_)
    if (!row.contains(values.column.name))
      missing += (missing.empty() ? "" : ", ") + values.column.name;
  if (!missing.empty())
    return MakeError(ErrorCode::kInvalidArgument,
                     "Columns of provided data need to match those used for training. The row has "
                     "no member named " +
                         missing + ".");
  const auto wrong = [](const MlValues& values, const Json& value) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "ML003015: The value of " + values.column.name +
                         " does not match the column's type in training, " + values.column.type +
                         ": " + TextOf(value));
  };
  // Values first, so that an error leaves no half row.
  for (const MlValues& values : columns_) {
    const Json& value = row[values.column.name];
    const plan::Lane lane = wire::LaneOf(values.column.kind);
    if (value.is_null() || lane == plan::Lane::kStr) continue;
    if (lane == plan::Lane::kF64 ? !NumberOf(value) : !IntegerOf(value, values.column.kind))
      return wrong(values, value);
  }
  for (MlValues& values : columns_) {
    const Json& value = row[values.column.name];
    const bool is_null = value.is_null();
    values.is_null.push_back(is_null);
    switch (wire::LaneOf(values.column.kind)) {
      case plan::Lane::kF64:
        values.f64.push_back(is_null ? 0 : *NumberOf(value));
        break;
      case plan::Lane::kStr:
        values.str.push_back(is_null ? std::string() : TextOf(value));
        break;
      default:
        values.i64.push_back(is_null ? 0 : *IntegerOf(value, values.column.kind));
    }
  }
  ++num_rows_;
  return {};
}

}  // namespace sirocco::node
