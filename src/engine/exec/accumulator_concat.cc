// GROUP_CONCAT.
#include <algorithm>

#include "engine/exec/accumulator_kinds.h"
#include "engine/memory/arena.h"
#include "engine/storage/dictionary.h"
#include "mysqlsem/collation.h"

namespace sirocco::engine {

namespace {

// Without an order the server concatenates in the order it meets the rows, which is an order of its plan; here too it is the order of arrival.
class Concat final : public ConcatState {
 public:
  Concat(std::vector<ColumnInfo> args, const plan::Aggregate& aggregate, QueryContext* context, MemoryPool* pool)
      : args_(std::move(args)),
        num_values_(aggregate.args.size()),
        aggregate_(aggregate),
        max_length_(context->plan().group_concat_max_length),
        collation_(mysqlsem::FindCollation(aggregate.type.collation)),
        reservation_(pool),
        strings_(pool) {}

  Result<void> Resize(uint32_t num_groups) override {
    if (num_groups > groups_.size()) groups_.resize(num_groups);
    return {};
  }

  Result<void> Update(const Vector* args, const uint32_t* groups, uint32_t count) override {
    std::string text;
    for (uint32_t i = 0; i < count; ++i) {
      bool any_null = false;
      text.clear();
      for (size_t a = 0; a < num_values_; ++a) {
        any_null |= args[a].nulls != nullptr && args[a].nulls[i] != 0;
        if (!any_null) text += Text(args[a], i);
      }
      if (any_null) continue;
      const char* copy = strings_.Copy(text);
      const char* key = copy;
      size_t key_size = 0;
      if (copy != nullptr && !aggregate_.order_by.empty()) {
        std::string sort_key;
        for (size_t k = 0; k < aggregate_.order_by.size(); ++k)
          AppendKey(args_[num_values_ + k], args[num_values_ + k], i, aggregate_.order_by[k].descending, &sort_key);
        key = strings_.Copy(sort_key);
        key_size = sort_key.size();
      }
      if (key == nullptr) return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by GROUP_CONCAT");
      RETURN_IF_ERROR(Add(groups[i], {{copy, static_cast<uint32_t>(text.size()), 0},
                                      {key, static_cast<uint32_t>(key_size), 0}}));
    }
    return {};
  }

  Result<void> Merge(const Accumulator& other, const uint32_t* from_groups, const uint32_t* groups,
                     uint32_t count) override {
    const auto& from = static_cast<const Concat&>(other);
    for (uint32_t i = 0; i < count; ++i) {
      for (const Entry& entry : from.groups_[from_groups[i]]) {
        Entry copy = entry;
        copy.text.data = strings_.Copy(entry.text.view());
        copy.key.data = strings_.Copy(entry.key.view());
        if (copy.text.data == nullptr || copy.key.data == nullptr)
          return MakeError(ErrorCode::kOutOfMemory, "memory limit reached by GROUP_CONCAT");
        RETURN_IF_ERROR(Add(groups[i], copy));
      }
    }
    return {};
  }

  bool empty(uint32_t group) const override { return groups_[group].empty(); }

  bool Append(uint32_t group, std::string* out) const override {
    std::vector<Entry> entries = groups_[group];
    if (!aggregate_.order_by.empty())
      std::stable_sort(entries.begin(), entries.end(),
                       [](const Entry& a, const Entry& b) { return a.key.view() < b.key.view(); });
    const size_t start = out->size();
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i != 0) out->append(aggregate_.separator);
      out->append(entries[i].text.view());
      if (out->size() - start > max_length_) {
        // Cut at the limit, but never inside a character.
        const std::string_view text(out->data() + start, max_length_);
        const size_t kept = collation_ != nullptr ? collation_->WellFormedLength(text) : text.size();
        out->resize(start + kept);
        return false;
      }
    }
    return true;
  }

 private:
  struct Entry {
    StringRef text, key;
  };

  Result<void> Add(uint32_t group, const Entry& entry) {
    RETURN_IF_ERROR(reservation_.ResizeTo(reservation_.bytes() + sizeof(Entry)));
    groups_[group].push_back(entry);
    return {};
  }

  static std::string_view Text(const Vector& vector, uint32_t row) {
    return vector.lane == Lane::kCode ? vector.dictionary->value(vector.code()[row]) : vector.str()[row].view();
  }

  // Byte-comparable form of one sort key. NULLs first ascending.
  static void AppendKey(const ColumnInfo& info, const Vector& vector, uint32_t row, bool descending, std::string* out) {
    const size_t start = out->size();
    const bool null = vector.nulls != nullptr && vector.nulls[row] != 0;
    out->push_back(null ? 0 : 1);
    if (!null) {
      const auto put = [out](unsigned __int128 bits, int bytes) {
        for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out->push_back(static_cast<char>(bits >> shift));
      };
      switch (vector.lane) {
        case Lane::kI64:
          put(vector.u64()[row] ^ (info.type.IsUnsigned() ? 0 : uint64_t{1} << 63), 8);
          break;
        case Lane::kI128:
          put(static_cast<unsigned __int128>(vector.i128()[row]) ^ (static_cast<unsigned __int128>(1) << 127), 16);
          break;
        case Lane::kF64: {
          const double value = vector.f64()[row] + 0.0;
          uint64_t bits;
          std::memcpy(&bits, &value, sizeof(bits));
          put((bits >> 63) != 0 ? ~bits : bits | uint64_t{1} << 63, 8);
          break;
        }
        default: {
          // Sort keys of one collation compare as bytes; 0 bytes are escaped so that a shorter key sorts before its extensions.
          std::string weights;
          const mysqlsem::Collation* collation =
              info.type.kind == plan::TypeKind::kString ? mysqlsem::FindCollation(info.type.collation) : nullptr;
          if (collation != nullptr) {
            collation->SortKey(Text(vector, row), &weights);
          } else {
            weights = Text(vector, row);
          }
          for (char c : weights) {
            out->push_back(c);
            if (c == 0) out->push_back(1);
          }
          out->push_back(0);
          out->push_back(0);
          break;
        }
      }
    }
    if (descending)
      for (size_t i = start; i < out->size(); ++i) (*out)[i] = static_cast<char>(~(*out)[i]);
  }

  const std::vector<ColumnInfo> args_;
  const size_t num_values_;
  const plan::Aggregate aggregate_;
  const uint64_t max_length_;
  const mysqlsem::Collation* collation_;
  MemoryReservation reservation_;
  Arena strings_;
  std::vector<std::vector<Entry>> groups_;
};

}  // namespace

Result<std::unique_ptr<Accumulator>> MakeConcat(const std::vector<ColumnInfo>& args, const plan::Aggregate& aggregate,
                                                QueryContext* context, MemoryPool* pool) {
  for (size_t i = 0; i < aggregate.args.size(); ++i)
    if (args[i].type.kind != plan::TypeKind::kString)
      return NotSupported("GROUP_CONCAT of " + plan::TypeName(args[i].type) + " is not supported");
  for (size_t i = aggregate.args.size(); i < args.size(); ++i) {
    if (args[i].type.kind == plan::TypeKind::kJson) return NotSupported("GROUP_CONCAT ordered by JSON is not supported");
    if (args[i].type.kind == plan::TypeKind::kString) {
      const mysqlsem::Collation* collation = mysqlsem::FindCollation(args[i].type.collation);
      if (collation == nullptr || !collation->has_sort_key())
        return NotSupported("GROUP_CONCAT ordered by a string of collation " + std::to_string(args[i].type.collation) +
                            " is not supported");
    }
  }
  return std::make_unique<Concat>(args, aggregate, context, pool);
}

Result<std::unique_ptr<Accumulator>> MakeAccumulator(AccumulatorKind kind, const std::vector<ColumnInfo>& args,
                                                     const plan::Aggregate* aggregate, QueryContext* context, MemoryPool* pool) {
  switch (kind) {
    case AccumulatorKind::kRows: return MakeRowCount(pool);
    case AccumulatorKind::kCount: return MakeValueCount(args.size(), pool);
    case AccumulatorKind::kSum: return MakeSum(args[0], pool);
    case AccumulatorKind::kMin:
    case AccumulatorKind::kMax:
    case AccumulatorKind::kFirst: return MakeValue(kind, args[0], pool);
    case AccumulatorKind::kVariance: return MakeVariance(pool);
    case AccumulatorKind::kBitAnd:
    case AccumulatorKind::kBitOr:
    case AccumulatorKind::kBitXor: return MakeBits(kind, pool);
    case AccumulatorKind::kConcat: return MakeConcat(args, *aggregate, context, pool);
  }
  return NotSupported("unknown aggregate function");
}

}  // namespace sirocco::engine
