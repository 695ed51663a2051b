#include "engine/storage/column_tracker.h"

#include <algorithm>

#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

constexpr double kEstimateEvery = 1000;  // rows

double DoubleOf(uint64_t ordered_bits) {
  const uint64_t sign = uint64_t{1} << 63;
  return std::bit_cast<double>(ordered_bits & sign ? ordered_bits & ~sign : ~ordered_bits);
}

}  // namespace

ColumnTracker::ColumnTracker(const plan::ColumnSchema& schema, plan::ColumnStatistics base,
                             Lane scan_lane, GrowingDictionary* dictionary)
    : lane_(plan::LaneOf(schema.type)),
      is_unsigned_(schema.type.IsUnsigned()),
      scan_lane_(scan_lane),
      base_(std::move(base)),
      dictionary_(dictionary) {
  if (dictionary_ != nullptr) {
    known_codes_ = dictionary_->size();
    collation_ = dictionary_->Current()->collation();
    // Bounds among sorted codes are the base's; a tail that is already there is looked through.
    const uint32_t sorted = dictionary_->Current()->sorted_size();
    if (sorted != 0) {
      any_ = true;
      max_code_ = sorted - 1;
    }
    for (uint32_t code = sorted; code < known_codes_; ++code) AddCode(code);
    return;
  }
  if (base_.min.is_null) return;
  if (lane_ == Lane::kI64 || lane_ == Lane::kI128) {
    any_ = true;
    min_ = base_.min.integer;
    max_ = base_.max.integer;
  } else if (lane_ == Lane::kF64) {
    any_ = true;
    min_ = OrderedBits(base_.min.real);
    max_ = OrderedBits(base_.max.real);
  }
}

void ColumnTracker::AddCode(uint32_t code) {
  if (!any_) {
    any_ = true;
    min_code_ = max_code_ = code;
    return;
  }
  auto less = [&](uint32_t a, uint32_t b) {
    const int order = collation_ == nullptr
                          ? 0
                          : collation_->Compare(dictionary_->value(a), dictionary_->value(b));
    return order != 0 ? order < 0 : dictionary_->value(a) < dictionary_->value(b);
  };
  if (less(code, min_code_)) min_code_ = code;
  if (less(max_code_, code)) max_code_ = code;
}

void ColumnTracker::Add(const Cell& cell) {
  if (cell.is_null) {
    ++base_.num_nulls;
    return;
  }
  if (dictionary_ != nullptr) {
    for (; known_codes_ <= cell.code; ++known_codes_) AddCode(known_codes_);
    return;
  }
  if (!distinct_) distinct_.emplace();
  ++rows_since_estimate_;
  int128 value = 0;
  switch (lane_) {
    case Lane::kStr:
      distinct_->AddHash(HashBytes(cell.bytes));
      return;
    case Lane::kI128:
      value = cell.wide;
      distinct_->AddInteger(HashCell(lane_, cell));
      if (value != static_cast<int128>(static_cast<int64_t>(value))) scan_lane_ = Lane::kI128;
      break;
    case Lane::kF64:
      value = OrderedBits(std::bit_cast<double>(cell.bits));
      distinct_->AddInteger(cell.bits);
      break;
    default:
      value = is_unsigned_ ? static_cast<int128>(cell.bits)
                           : static_cast<int128>(static_cast<int64_t>(cell.bits));
      distinct_->AddInteger(cell.bits);
      break;
  }
  min_ = any_ ? std::min(min_, value) : value;
  max_ = any_ ? std::max(max_, value) : value;
  any_ = true;
}

plan::ColumnStatistics ColumnTracker::Statistics(uint64_t num_rows) const {
  plan::ColumnStatistics result = base_;
  if (dictionary_ != nullptr) {
    const auto dictionary = dictionary_->Current();
    result.size_bytes += dictionary->size_bytes() - base_.dictionary_bytes;
    result.dictionary_bytes = dictionary->size_bytes();
    if (dictionary_->size() != 0 && any_) {
      result.min = plan::Value::Bytes(std::string(dictionary_->value(min_code_)));
      result.max = plan::Value::Bytes(std::string(dictionary_->value(max_code_)));
    }
    if (dictionary_->num_classes() > 0) result.num_distinct = dictionary_->num_classes();
    return result;
  }
  if (distinct_) {
    if (static_cast<double>(rows_since_estimate_) > kEstimateEvery + estimate_ / 16) {
      estimate_ = distinct_->Estimate();
      rows_since_estimate_ = 0;
    }
    result.num_distinct = std::min(
        std::max(0.0, result.num_distinct) + estimate_ + static_cast<double>(rows_since_estimate_),
        static_cast<double>(num_rows));
  }
  if (!any_) return result;
  if (lane_ == Lane::kF64) {
    result.min = plan::Value::Real(DoubleOf(static_cast<uint64_t>(min_)));
    result.max = plan::Value::Real(DoubleOf(static_cast<uint64_t>(max_)));
  } else {
    result.min = plan::Value::Int(min_);
    result.max = plan::Value::Int(max_);
  }
  return result;
}

}  // namespace sirocco::engine
