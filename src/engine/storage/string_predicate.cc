#include "engine/storage/string_predicate.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "engine/simd/mask.h"
#include "engine/storage/like_pattern.h"

namespace sirocco::engine {

namespace {

using plan::ExprOp;

bool Holds(ExprOp op, int order) {
  switch (op) {
    case ExprOp::kEq:
      return order == 0;
    case ExprOp::kNe:
      return order != 0;
    case ExprOp::kLt:
      return order < 0;
    case ExprOp::kLe:
      return order <= 0;
    case ExprOp::kGt:
      return order > 0;
    default:
      return order >= 0;
  }
}

class Comparison final : public StringPredicate {
 public:
  Comparison(ExprOp op, std::string constant, const mysqlsem::Collation* collation)
      : op_(op), constant_(std::move(constant)), collation_(collation) {}

  bool Matches(std::string_view value) const override {
    if (op_ == ExprOp::kEq) return Equal(value);
    if (op_ == ExprOp::kNe) return !Equal(value);
    if (collation_->is_binary()) return Holds(op_, value.compare(constant_));
    return Holds(op_, collation_->Compare(value, constant_));
  }
  double cost() const override { return collation_->is_binary() ? 3 : 25; }

 private:
  bool Equal(std::string_view value) const {
    if (value == constant_) return true;  // equal bytes are equal under every collation
    return !collation_->is_binary() && collation_->Equal(value, constant_);
  }

  ExprOp op_;
  std::string constant_;
  const mysqlsem::Collation* collation_;
};

class InList final : public StringPredicate {
 public:
  InList(bool negate, std::vector<std::string> constants, const mysqlsem::Collation* collation)
      : negate_(negate), constants_(std::move(constants)), collation_(collation) {
    for (uint32_t i = 0; i < constants_.size(); ++i)
      by_hash_.emplace(collation->Hash(constants_[i]), i);
  }

  bool Matches(std::string_view value) const override {
    auto [at, end] = by_hash_.equal_range(collation_->Hash(value));
    for (; at != end; ++at)
      if (collation_->Equal(value, constants_[at->second])) return !negate_;
    return negate_;
  }
  double cost() const override { return 40; }

 private:
  bool negate_;
  std::vector<std::string> constants_;
  const mysqlsem::Collation* collation_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

class Like final : public StringPredicate {
 public:
  Like(bool negate, std::string pattern, int32_t escape, const mysqlsem::Collation* collation)
      : negate_(negate), pattern_(collation, std::move(pattern), escape) {}

  bool Matches(std::string_view value) const override { return pattern_.Matches(value) != negate_; }
  void MatchRows(const char* text, const uint32_t* offsets, uint32_t count, bool all_ascii,
                 uint64_t* mask) const override {
    pattern_.MatchRows(text, offsets, count, all_ascii, mask);
    if (!negate_) return;
    for (uint32_t i = 0; i < (count + 63) / 64; ++i) mask[i] = ~mask[i];
    if (count % 64 != 0) mask[count / 64] &= (uint64_t{1} << (count % 64)) - 1;
  }
  double cost() const override { return pattern_.is_fast() ? 12 : 150; }

 private:
  bool negate_;
  LikePattern pattern_;
};

}  // namespace

void StringPredicate::MatchRows(const char* text, const uint32_t* offsets, uint32_t count,
                                bool all_ascii, uint64_t* mask) const {
  std::fill(mask, mask + (count + 63) / 64, 0);
  for (uint32_t row = 0; row < count; ++row) {
    const bool matches = Matches({text + offsets[row], offsets[row + 1] - offsets[row]});
    mask[row / 64] |= static_cast<uint64_t>(matches) << (row & 63);
  }
}

std::unique_ptr<StringPredicate> MakeStringComparison(ExprOp op, std::string constant,
                                                      const mysqlsem::Collation* collation) {
  return std::make_unique<Comparison>(op, std::move(constant), collation);
}

std::unique_ptr<StringPredicate> MakeStringIn(bool negate, std::vector<std::string> constants,
                                              const mysqlsem::Collation* collation) {
  return std::make_unique<InList>(negate, std::move(constants), collation);
}

std::unique_ptr<StringPredicate> MakeStringLike(bool negate, std::string pattern, int32_t escape,
                                                const mysqlsem::Collation* collation) {
  return std::make_unique<Like>(negate, std::move(pattern), escape, collation);
}

std::vector<uint8_t> MatchDictionary(const StringPredicate& predicate,
                                     const Dictionary& dictionary) {
  // Sorted values lie one after the other in code order, so a block of them is a string heap.
  std::vector<uint8_t> truth(dictionary.size());
  const StringRef* values = dictionary.values();
  uint32_t offsets[kVectorSize + 1];
  uint64_t mask[kVectorSize / 64];
  for (uint32_t begin = 0; begin < dictionary.sorted_size(); begin += kVectorSize) {
    const uint32_t count = std::min(kVectorSize, dictionary.sorted_size() - begin);
    const char* text = values[begin].data;
    if (values[begin + count - 1].data + values[begin + count - 1].size - text > UINT32_MAX) {
      for (uint32_t i = 0; i < count; ++i)
        truth[begin + i] = predicate.Matches(values[begin + i].view());
      continue;
    }
    for (uint32_t i = 0; i < count; ++i)
      offsets[i] = static_cast<uint32_t>(values[begin + i].data - text);
    offsets[count] = offsets[count - 1] + values[begin + count - 1].size;
    predicate.MatchRows(text, offsets, count, !simd::AnyHighByte(text, offsets[count]), mask);
    for (uint32_t i = 0; i < count; ++i) truth[begin + i] = mask[i / 64] >> (i & 63) & 1;
  }
  for (uint32_t code = dictionary.sorted_size(); code < dictionary.size(); ++code)
    truth[code] = predicate.Matches(values[code].view());
  return truth;
}

}  // namespace sirocco::engine
