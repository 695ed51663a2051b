// Steps made from lambdas, and the loop for functions that are computed row by row.
#pragma once

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/expr/program.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

template <typename F>
class FunctionStep final : public Step {
 public:
  explicit FunctionStep(F f) : f_(std::move(f)) {}
  Result<void> Run(Frame& frame) const override { return f_(frame); }

 private:
  F f_;
};

// f(Frame&) -> Result<void>.
template <typename F>
std::unique_ptr<Step> MakeStep(F f) {
  return std::make_unique<FunctionStep<F>>(std::move(f));
}

// out[i] = kernel(in[i]) with NULLs passed on; kernel(const Vector& in, Vector& out, uint32_t n).
template <typename K>
std::unique_ptr<Step> MakeUnaryStep(Slot in, Slot out, K kernel) {
  return MakeStep([=](Frame& frame) -> Result<void> {
    const Vector& a = frame.in(in);
    const uint32_t n = a.constant ? 1 : frame.count;
    Vector& r = frame.Begin(out);
    r.constant = a.constant;
    r.nulls = a.nulls;
    kernel(a, r, n);
    return {};
  });
}

// One row of a row function: reads arguments, writes the result.
class Row {
 public:
  uint32_t row = 0;

  bool IsNull(int k) const {
    return args_[k].nulls != nullptr && args_[k].nulls[row * args_[k].null_step] != 0;
  }
  int64_t I64(int k) const { return *static_cast<const int64_t*>(At(k, 8)); }
  uint64_t U64(int k) const { return *static_cast<const uint64_t*>(At(k, 8)); }
  double F64(int k) const { return *static_cast<const double*>(At(k, 8)); }
  int128 I128(int k) const { return *static_cast<const int128*>(At(k, 16)); }
  bool Bool(int k) const { return *static_cast<const uint8_t*>(At(k, 1)) != 0; }
  std::string_view Str(int k) const {
    return static_cast<const StringRef*>(At(k, sizeof(StringRef)))->view();
  }
  const mysqlsem::BigDecimal& Big(int k) const {
    return *static_cast<const mysqlsem::BigDecimal*>(At(k, sizeof(mysqlsem::BigDecimal)));
  }
  int num_args() const { return static_cast<int>(num_args_); }

  // Results; each returns true, so that a row function can end with `return r.Return(x)`.
  bool Return(int64_t v) { return Put(v); }
  bool Return(uint64_t v) { return Put(v); }
  bool Return(double v) { return Put(v); }
  bool Return(int128 v) { return Put(v); }
  bool Return(bool v) {
    static_cast<uint8_t*>(out_)[row] = v;
    return true;
  }
  bool Return(const mysqlsem::BigDecimal& v) { return Put(v); }
  // Bytes that live at least as long as the batch: parts of an argument, constants.
  bool ReturnView(std::string_view v) {
    return Put(StringRef{v.data() == nullptr ? "" : v.data(), static_cast<uint32_t>(v.size()), 0});
  }
  // Copies the bytes.
  bool ReturnCopy(std::string_view v) {
    const char* copy = frame_->arena()->Copy(v);
    if (copy == nullptr) return Fail(OutOfMemoryError());
    return Put(StringRef{copy, static_cast<uint32_t>(v.size()), 0});
  }
  bool Fail(Error error) {
    failed_ = true;
    error_ = std::move(error);
    return false;
  }
  void Warn(uint32_t mysql_errno, const std::string& message) {
    frame_->context()->AddWarning(mysql_errno, message);
  }
  // A buffer for building results, kept between rows.
  std::string& scratch() { return scratch_; }
  std::string& scratch2() { return scratch2_; }
  QueryContext* context() const { return frame_->context(); }
  Arena* arena() const { return frame_->arena(); }

 private:
  template <typename F>
  friend class RowStep;
  struct Arg {
    const void* data;
    const uint8_t* nulls;
    uint32_t step, null_step;
  };
  const void* At(int k, size_t width) const {
    return static_cast<const char*>(args_[k].data) + size_t{row} * args_[k].step * width;
  }
  template <typename T>
  bool Put(const T& v) {
    static_cast<T*>(out_)[row] = v;
    return true;
  }

  Arg* args_ = nullptr;
  size_t num_args_ = 0;
  void* out_ = nullptr;
  Frame* frame_ = nullptr;
  bool failed_ = false;
  Error error_;
  std::string scratch_, scratch2_;
};

enum class Strictness : uint8_t {
  kStrict,   // NULL if any argument is NULL; the function sees no NULL
  kHandles,  // the function looks at NULLs itself
};

// Applies `f(Row&) -> bool` (false: NULL, or failed) to each row.
template <typename F>
class RowStep final : public Step {
 public:
  RowStep(std::vector<Slot> in, Slot out, Strictness strictness, F f)
      : in_(std::move(in)), out_(out), strictness_(strictness), f_(std::move(f)) {}

  Result<void> Run(Frame& frame) const override {
    const size_t num_args = in_.size();
    std::array<Row::Arg, 8> few;
    std::vector<Row::Arg> many;
    Row::Arg* args = few.data();
    if (num_args > few.size()) {
      many.resize(num_args);
      args = many.data();
    }
    bool all_constant = true;
    bool any_nulls = false;
    for (size_t k = 0; k < num_args; ++k) {
      const Vector& v = frame.in(in_[k]);
      if (strictness_ == Strictness::kStrict && IsConstantNull(v)) {
        frame.SetNull(out_);
        return {};
      }
      const uint32_t step = v.constant ? 0 : 1;
      args[k] = {v.data, v.nulls, step, step};
      all_constant &= v.constant;
      any_nulls |= v.nulls != nullptr;
    }
    const uint32_t n = all_constant ? 1 : frame.count;
    Row row;
    Vector& out = frame.Begin(out_);
    out.constant = all_constant;
    row.args_ = args;
    row.num_args_ = num_args;
    row.out_ = out.data;
    row.frame_ = &frame;
    uint8_t* nulls = frame.Nulls(out_);
    uint8_t any = 0;
    const Rep rep = frame.info(out_).rep;
    for (uint32_t i = 0; i < n; ++i) {
      row.row = i;
      bool is_null = false;
      if (any_nulls && strictness_ == Strictness::kStrict)
        for (size_t k = 0; k < num_args && !is_null; ++k) is_null = row.IsNull(static_cast<int>(k));
      if (!is_null) is_null = !f_(row);
      if (row.failed_) [[unlikely]]
        return std::unexpected(std::move(row.error_));
      nulls[i] = is_null;
      any |= nulls[i];
      if (is_null) {
        if (rep == Rep::kStr) row.ReturnView({});
        if (rep == Rep::kBool) row.Return(false);
      }
    }
    if (any != 0) out.nulls = nulls;
    return {};
  }

 private:
  std::vector<Slot> in_;
  Slot out_;
  Strictness strictness_;
  F f_;
};

template <typename F>
std::unique_ptr<Step> MakeRowStep(std::vector<Slot> in, Slot out, Strictness strictness, F f) {
  return std::make_unique<RowStep<F>>(std::move(in), out, strictness, std::move(f));
}

}  // namespace sirocco::engine
