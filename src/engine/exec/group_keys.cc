#include "engine/exec/group_keys.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "common/check.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

// A direct array up to this domain costs less than hashing whatever the number of groups (256 KB of uint32_t: half an L2).
constexpr uint64_t kSmallDomain = 1 << 16;
// Beyond it the array must be expected to be filled to at least one part in eight, and is limited in absolute terms.
constexpr uint64_t kLargestDomain = 1 << 27;
constexpr double kMinFill = 1.0 / 8;
constexpr uint64_t kMaxPackedDomain = uint64_t{1} << 62;

constexpr uint64_t kNullHash = 0x9ae16a3b2f90404full;

uint64_t Combine(uint64_t seed, uint64_t hash) { return MixKey(seed * 0x9E3779B97F4A7C15ull + hash); }

// Calls function(i, is_null) per row with constant vectors read at 0.
template <typename Function>
void ForRows(const Vector& in, uint32_t count, Function function) {
  const uint32_t step = in.constant ? 0 : 1;
  if (in.nulls == nullptr) {
    for (uint32_t i = 0; i < count; ++i) function(i, i * step, false);
  } else {
    for (uint32_t i = 0; i < count; ++i) function(i, i * step, in.nulls[i * step] != 0);
  }
}

// Range of a column whose values can be packed; false if unknown.
bool PackedRange(const ColumnInfo& info, int64_t* base, uint64_t* span) {
  if (info.lane == Lane::kCode) {
    *base = 0;
    *span = info.dictionary->size();
    return true;
  }
  if (info.lane != Lane::kI64 || !info.range.known) return false;
  if (info.range.max < info.range.min) {   // no value at all, only NULLs perhaps
    *base = 0;
    *span = 1;
    return true;
  }
  if (info.range.min < INT64_MIN || info.range.max > INT64_MAX) return false;
  const int128 width = info.range.max - info.range.min + 1;
  if (width > static_cast<int128>(kMaxPackedDomain)) return false;
  *base = static_cast<int64_t>(info.range.min);
  *span = static_cast<uint64_t>(width);
  return true;
}

double ExpectedGroups(const std::vector<ColumnInfo>& columns) {
  double groups = 1;
  for (const ColumnInfo& info : columns) {
    if (info.num_distinct < 0) return 0;
    groups *= info.num_distinct;
  }
  return groups;
}

std::atomic<bool> arrays_forbidden{false};

}  // namespace

void GroupKeyPlan::ForbidArrays(bool forbid) { arrays_forbidden = forbid; }

Result<GroupKeyPlan> GroupKeyPlan::Make(std::vector<ColumnInfo> columns) {
  GroupKeyPlan plan;
  if (columns.empty()) return plan;
  bool packable = true;
  unsigned __int128 domain = 1;
  for (const ColumnInfo& info : columns) {
    GroupKeyColumn column{.info = info};
    if (info.type.kind == plan::TypeKind::kJson) return NotSupported("grouping by a JSON value is not supported");
    if (info.lane == Lane::kStr && info.type.kind == plan::TypeKind::kString &&
        info.type.collation != plan::kBinaryCollation) {
      const mysqlsem::Collation* collation = mysqlsem::FindCollation(info.type.collation);
      if (collation == nullptr) return NotSupported("unknown collation " + std::to_string(info.type.collation));
      if (!collation->is_binary()) column.collation = collation;
    }
    if (info.lane == Lane::kCode) column.classes = info.dictionary->classes();
    uint64_t span = 0;
    if (packable && PackedRange(info, &column.base, &span) && domain * (span + 1) < kMaxPackedDomain) {
      column.span = span + 1;
      column.stride = static_cast<uint64_t>(domain);
      domain *= span + 1;
    } else {
      packable = false;
    }
    plan.columns_.push_back(std::move(column));
  }
  if (!packable) {
    plan.mode_ = Mode::kGeneric;
    return plan;
  }
  plan.domain_ = static_cast<uint64_t>(domain);
  const bool direct =
      plan.domain_ <= kSmallDomain ||
      (plan.domain_ <= kLargestDomain && ExpectedGroups(columns) >= static_cast<double>(plan.domain_) * kMinFill);
  plan.mode_ = direct && !arrays_forbidden ? Mode::kDirect : Mode::kPacked;
  return plan;
}

void GroupKeyPlan::Pack(const Vector* keys, uint32_t count, uint64_t* packed) const {
  for (size_t c = 0; c < columns_.size(); ++c) {
    const GroupKeyColumn& column = columns_[c];
    const Vector& in = keys[c];
    const uint64_t stride = column.stride;
    const uint64_t shift = 1 - static_cast<uint64_t>(column.base);
    const auto put = [&](uint32_t i, uint64_t part) {
      if (c == 0) {
        packed[i] = part;   // the first column's stride is 1
      } else {
        packed[i] += part * stride;
      }
    };
    if (in.lane == Lane::kCode) {
      const uint32_t* codes = in.code();
      const uint32_t* classes = column.classes;
      if (classes == nullptr) {
        ForRows(in, count, [&](uint32_t i, uint32_t at, bool null) { put(i, null ? 0 : codes[at] + uint64_t{1}); });
      } else {
        ForRows(in, count,
                [&](uint32_t i, uint32_t at, bool null) { put(i, null ? 0 : classes[codes[at]] + uint64_t{1}); });
      }
    } else {
      const uint64_t* values = in.u64();
      ForRows(in, count, [&](uint32_t i, uint32_t at, bool null) { put(i, null ? 0 : values[at] + shift); });
    }
  }
}

void GroupKeyPlan::Unpack(size_t index, const uint64_t* packed, uint32_t count, const Vector& out) const {
  const GroupKeyColumn& column = columns_[index];
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t part = packed[i] / column.stride % column.span;
    const bool null = part == 0;
    if (out.nulls != nullptr) out.nulls[i] = null;
    if (column.info.lane == Lane::kCode) {
      out.code()[i] = null ? 0 : static_cast<uint32_t>(part - 1);
    } else {
      out.i64()[i] = null ? 0 : static_cast<int64_t>(part - 1 + static_cast<uint64_t>(column.base));
    }
  }
}

void GroupKeyPlan::Hash(const Vector* keys, uint32_t count, uint64_t* hashes) const {
  std::fill_n(hashes, count, 0);
  for (size_t c = 0; c < columns_.size(); ++c) {
    const GroupKeyColumn& column = columns_[c];
    const Vector& in = keys[c];
    const auto add = [&](auto hash_of) {
      ForRows(in, count, [&](uint32_t i, uint32_t at, bool null) {
        hashes[i] = Combine(hashes[i], null ? kNullHash : hash_of(at));
      });
    };
    switch (in.lane) {
      case Lane::kI64: add([&](uint32_t at) { return in.u64()[at]; }); break;
      case Lane::kI128:
        add([&](uint32_t at) {
          const auto value = static_cast<unsigned __int128>(in.i128()[at]);
          return static_cast<uint64_t>(value) ^ MixKey(static_cast<uint64_t>(value >> 64));
        });
        break;
      case Lane::kF64:
        add([&](uint32_t at) {
          const double value = in.f64()[at] + 0.0;   // -0 becomes 0
          uint64_t bits;
          std::memcpy(&bits, &value, sizeof(bits));
          return bits;
        });
        break;
      case Lane::kCode:
        if (column.classes == nullptr) {
          add([&](uint32_t at) { return uint64_t{in.code()[at]}; });
        } else {
          add([&](uint32_t at) { return uint64_t{column.classes[in.code()[at]]}; });
        }
        break;
      case Lane::kStr: {
        static const mysqlsem::Collation* binary = mysqlsem::FindCollation(plan::kBinaryCollation);
        const mysqlsem::Collation* collation = column.collation != nullptr ? column.collation : binary;
        add([&](uint32_t at) { return collation->Hash(in.str()[at].view()); });
        break;
      }
    }
  }
}

}  // namespace sirocco::engine
