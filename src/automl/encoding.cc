#include "automl/encoding.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

namespace sirocco::automl {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxOneHot = 24;
constexpr size_t kMaxCategories = 10000;
constexpr size_t kWordFeatures = 256;
constexpr float kNull = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kMicrosPerDay = 86400ll * 1000000;

uint32_t HashWord(std::string_view word) {
  uint32_t hash = 2166136261u;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

bool IsWordByte(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void EncodeText(const std::string& text, float* out) {
  std::fill(out, out + kWordFeatures, 0.0f);
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    const auto c = static_cast<unsigned char>(i < text.size() ? text[i] : ' ');
    if (IsWordByte(c)) {
      word.push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
    } else if (!word.empty()) {
      out[HashWord(word) % kWordFeatures] += 1;
      word.clear();
    }
  }
}

void EncodeDate(int64_t micros, float* out) {
  const int64_t days =
      micros >= 0 ? micros / kMicrosPerDay : -((-micros + kMicrosPerDay - 1) / kMicrosPerDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  out[0] = static_cast<float>(static_cast<double>(micros) / kMicrosPerDay);
  out[1] = static_cast<float>(static_cast<unsigned>(date.month()));
  out[2] = static_cast<float>(((days % 7) + 11) % 7);  // 1970-01-01 was a Thursday
  out[3] = static_cast<float>(static_cast<double>(micros - days * kMicrosPerDay) / 1e6);
}

}  // namespace

size_t FeatureEncoding::Width(size_t column) const {
  switch (columns_[column].kind) {
    case ColumnKind::kDate:
    case ColumnKind::kDateTime:
      return 4;
    case ColumnKind::kText:
      return kWordFeatures;
    case ColumnKind::kString: {
      const size_t count = categories_[column].size();
      return count <= kMaxOneHot ? std::max<size_t>(count, 1) : 1;
    }
    default:
      return 1;
  }
}

void FeatureEncoding::SetOwners() {
  owners_.clear();
  ranks_.assign(columns_.size(), {});
  for (size_t i = 0; i < columns_.size(); ++i) {
    owners_.insert(owners_.end(), Width(i), i);
    for (size_t rank = 0; rank < categories_[i].size(); ++rank)
      ranks_[i].emplace(categories_[i][rank], rank);
  }
}

FeatureEncoding FeatureEncoding::Learn(const Table& rows, const std::string& target) {
  FeatureEncoding encoding;
  for (const Column& values : rows.columns()) {
    if (values.spec.name == target) continue;
    encoding.columns_.push_back(values.spec);
    auto& categories = encoding.categories_.emplace_back();
    if (values.spec.kind != ColumnKind::kString) continue;
    std::map<std::string_view, size_t> counts;
    for (size_t row = 0; row < rows.num_rows(); ++row)
      if (!values.is_null[row]) ++counts[values.str[row]];
    std::vector<std::pair<size_t, std::string_view>> order;
    for (const auto& [text, count] : counts) order.emplace_back(count, text);
    std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    order.resize(std::min(order.size(), kMaxCategories));
    for (const auto& [count, text] : order) categories.emplace_back(text);
  }
  encoding.SetOwners();
  return encoding;
}

Result<std::vector<float>> FeatureEncoding::Encode(const Table& rows) const {
  std::vector<const Column*> sources;
  for (const ColumnSpec& column : columns_) {
    const Column* values = rows.Find(column.name);
    if (values == nullptr)
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003011: Columns of provided data need to match those used for training. "
                       "Column " +
                           column.name + " is missing.");
    const bool was_text = StorageOf(column.kind) == Storage::kText;
    const bool is_text = StorageOf(values->spec.kind) == Storage::kText;
    if (was_text != is_text)
      return MakeError(ErrorCode::kInvalidArgument,
                       "ML003015: Column " + column.name + " has type " + values->spec.type +
                           ", which does not match the type in training, " + column.type + ".");
    sources.push_back(values);
  }
  const size_t width = num_features();
  std::vector<float> matrix(rows.num_rows() * width, 0.0f);
  size_t at = 0;
  for (size_t i = 0; i < columns_.size(); at += Width(i), ++i) {
    const Column& values = *sources[i];
    const size_t own_width = Width(i);
    const bool is_f64 = StorageOf(values.spec.kind) == Storage::kFloat;
    for (size_t row = 0; row < rows.num_rows(); ++row) {
      float* out = &matrix[row * width + at];
      if (values.is_null[row]) {
        std::fill(out, out + own_width, kNull);
        continue;
      }
      switch (columns_[i].kind) {
        case ColumnKind::kText:
          EncodeText(values.str[row], out);
          break;
        case ColumnKind::kString: {
          const auto found = ranks_[i].find(values.str[row]);
          if (categories_[i].size() > kMaxOneHot)
            *out = found == ranks_[i].end() ? kNull : static_cast<float>(found->second);
          else if (found != ranks_[i].end())
            out[found->second] = 1;
          break;
        }
        case ColumnKind::kDate:
        case ColumnKind::kDateTime:
          if (is_f64)
            std::fill(out, out + own_width, kNull);
          else
            EncodeDate(values.i64[row], out);
          break;
        default:
          if (is_f64)
            *out = static_cast<float>(values.f64[row]);
          else if (values.spec.kind == ColumnKind::kUnsigned)
            *out = static_cast<float>(static_cast<uint64_t>(values.i64[row]));
          else
            *out = static_cast<float>(values.i64[row]);
          if (!std::isfinite(*out)) *out = kNull;
      }
    }
  }
  return matrix;
}

Json FeatureEncoding::ToJson() const {
  Json list = Json::array();
  for (size_t i = 0; i < columns_.size(); ++i)
    list.push_back({{"name", columns_[i].name},
                    {"kind", static_cast<int>(columns_[i].kind)},
                    {"type", columns_[i].type},
                    {"categories", categories_[i]}});
  return list;
}

Result<FeatureEncoding> FeatureEncoding::FromJson(const Json& json) {
  const auto damaged = [] {
    return MakeError(ErrorCode::kCorrupt, "the model's description of columns is damaged");
  };
  if (!json.is_array()) return damaged();
  FeatureEncoding encoding;
  for (const Json& item : json) {
    const bool is_column = item.is_object() && item.contains("name") && item["name"].is_string() &&
                           item.contains("type") && item["type"].is_string() &&
                           item.contains("kind") && item["kind"].is_number_integer() &&
                           item.contains("categories") && item["categories"].is_array();
    if (!is_column) return damaged();
    const int kind = item["kind"];
    if (kind < static_cast<int>(ColumnKind::kFloat) || kind > static_cast<int>(ColumnKind::kYear))
      return damaged();
    encoding.columns_.push_back({item["name"], static_cast<ColumnKind>(kind), item["type"]});
    auto& categories = encoding.categories_.emplace_back();
    for (const Json& category : item["categories"]) {
      if (!category.is_string()) return damaged();
      categories.push_back(category);
    }
  }
  encoding.SetOwners();
  return encoding;
}

}  // namespace sirocco::automl
