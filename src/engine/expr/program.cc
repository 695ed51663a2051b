#include "engine/expr/program.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "common/check.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {

constexpr size_t kPadding = 64;

void* AllocateAligned(size_t bytes) {
  const size_t size = (bytes + kPadding + 63) & ~size_t{63};
  void* memory = std::aligned_alloc(64, size);
  if (memory == nullptr) throw std::bad_alloc();
  // Rows that are NULL are read like others, so nothing may be left as random pointers.
  std::memset(memory, 0, size);
  return memory;
}

template <typename T>
void GatherT(const Vector& in, const uint16_t* rows, uint32_t n, void* out) {
  const T* values = static_cast<const T*>(in.data);
  T* target = static_cast<T*>(out);
  if (in.constant) {
    for (uint32_t i = 0; i < n; ++i) target[i] = values[0];
  } else {
    for (uint32_t i = 0; i < n; ++i) target[i] = values[rows[i]];
  }
}

template <typename T>
void ScatterT(const Vector& in, const uint16_t* rows, uint32_t n, void* out) {
  const T* values = static_cast<const T*>(in.data);
  T* target = static_cast<T*>(out);
  for (uint32_t i = 0; i < n; ++i) target[rows[i]] = values[in.constant ? 0 : i];
}

template <typename F>
void ForRep(Rep rep, F&& f) {
  switch (rep) {
    case Rep::kI64:
    case Rep::kF64:
      f(uint64_t{});
      break;
    case Rep::kI128:
      f(int128{});
      break;
    case Rep::kStr:
      f(StringRef{});
      break;
    case Rep::kCode:
      f(uint32_t{});
      break;
    case Rep::kBool:
      f(uint8_t{});
      break;
    case Rep::kBig:
      f(mysqlsem::BigDecimal{});
      break;
  }
}

}  // namespace

uint32_t RepWidth(Rep rep) {
  uint32_t width = 0;
  ForRep(rep, [&](auto value) { width = sizeof(value); });
  return width;
}

Lane LaneOfRep(Rep rep) {
  switch (rep) {
    case Rep::kI128:
      return Lane::kI128;
    case Rep::kF64:
      return Lane::kF64;
    case Rep::kStr:
      return Lane::kStr;
    case Rep::kCode:
      return Lane::kCode;
    default:
      return Lane::kI64;
  }
}

Rep RepOfLane(Lane lane) {
  switch (lane) {
    case Lane::kI64:
      return Rep::kI64;
    case Lane::kI128:
      return Rep::kI128;
    case Lane::kF64:
      return Rep::kF64;
    case Lane::kStr:
      return Rep::kStr;
    case Lane::kCode:
      return Rep::kCode;
  }
  return Rep::kI64;
}

void SlotBuffer::Free::operator()(void* p) const { std::free(p); }

void* SlotBuffer::Data(Rep rep, uint32_t count) {
  const size_t bytes = size_t{RepWidth(rep)} * std::max(count, 1u);
  if (bytes > data_bytes_) {
    const size_t wanted =
        std::max(bytes, size_t{RepWidth(rep)} * std::min(kVectorSize, std::bit_ceil(count)));
    data_.reset(AllocateAligned(wanted));
    data_bytes_ = wanted;
  }
  return data_.get();
}

uint8_t* SlotBuffer::Nulls(uint32_t count) {
  const size_t bytes = std::max(count, 1u);
  if (bytes > null_bytes_) {
    nulls_.reset(static_cast<uint8_t*>(
        AllocateAligned(std::max<size_t>(bytes, std::min(kVectorSize, std::bit_ceil(count))))));
    null_bytes_ = bytes;
  }
  return nulls_.get();
}

Frame::Frame(const Scope* scope, QueryContext* context, Arena* arena)
    : scope_(scope),
      context_(context),
      arena_(arena),
      vectors_(scope->slots.size()),
      buffers_(scope->slots.size()),
      states_(static_cast<size_t>(scope->num_states)) {
  for (const auto& [slot, vector] : scope->constants) vectors_[static_cast<size_t>(slot)] = vector;
  for (const auto& child : scope->children)
    children_.push_back(std::make_unique<Frame>(child.get(), context, arena));
}

Vector& Frame::Begin(Slot slot) {
  const SlotInfo& slot_info = info(slot);
  Vector& vector = vectors_[static_cast<size_t>(slot)];
  vector.lane = LaneOfRep(slot_info.rep);
  vector.constant = false;
  vector.nulls = nullptr;
  vector.dictionary = slot_info.dictionary;
  vector.data = buffers_[static_cast<size_t>(slot)].Data(slot_info.rep, count);
  return vector;
}

uint8_t* Frame::Nulls(Slot slot) { return buffers_[static_cast<size_t>(slot)].Nulls(count); }

void Frame::SetNull(Slot slot) {
  Vector& vector = Begin(slot);
  vector.constant = true;
  vector.nulls = Nulls(slot);
  vector.nulls[0] = 1;
  std::memset(vector.data, 0, RepWidth(info(slot).rep));
  if (info(slot).rep == Rep::kBig)
    *static_cast<mysqlsem::BigDecimal*>(vector.data) = mysqlsem::BigDecimal();
}

Result<void> Frame::Run() {
  for (const auto& step : scope_->steps) RETURN_IF_ERROR(step->Run(*this));
  return {};
}

Result<void> Frame::RunChild(int index, const uint16_t* rows, uint32_t n) {
  Frame& inner = child(index);
  inner.count = n;
  for (const Scope::Import& import : inner.scope().imports) {
    const Vector& source = in(import.outer);
    if (source.constant || n == count) {
      inner.Set(import.inner, source);
      continue;
    }
    Vector& target = inner.Begin(import.inner);
    target.dictionary = source.dictionary;
    if (source.nulls != nullptr) target.nulls = inner.Nulls(import.inner);
    GatherRep(info(import.outer).rep, source, rows, n, target);
  }
  return inner.Run();
}

void GatherRep(Rep rep, const Vector& in, const uint16_t* rows, uint32_t n, const Vector& out) {
  ForRep(rep, [&](auto value) { GatherT<decltype(value)>(in, rows, n, out.data); });
  if (out.nulls == nullptr) return;
  if (in.nulls == nullptr) {
    std::memset(out.nulls, 0, n);
  } else {
    for (uint32_t i = 0; i < n; ++i) out.nulls[i] = in.nulls[in.constant ? 0 : rows[i]];
  }
}

void ScatterRep(Rep rep, const Vector& in, const uint16_t* rows, uint32_t n, const Vector& out) {
  ForRep(rep, [&](auto value) { ScatterT<decltype(value)>(in, rows, n, out.data); });
  if (out.nulls == nullptr) return;
  for (uint32_t i = 0; i < n; ++i)
    out.nulls[rows[i]] = in.nulls == nullptr ? uint8_t{0} : in.nulls[in.constant ? 0 : i];
}

uint8_t* MergeNulls(Frame& frame, Slot out, const Vector* const* inputs, size_t num_inputs,
                    uint32_t n) {
  uint8_t* merged = nullptr;
  for (size_t k = 0; k < num_inputs; ++k) {
    const Vector& v = *inputs[k];
    if (v.nulls == nullptr) continue;
    if (v.constant && n != 1) {
      DCHECK(v.nulls[0] == 0);
      continue;
    }
    if (merged == nullptr) {
      merged = v.nulls;
    } else if (merged != v.nulls) {
      uint8_t* target = frame.Nulls(out);
      Kernels().bytes_or(merged, v.nulls, target, n);
      merged = target;
    }
  }
  return merged;
}

uint8_t* MergeNulls(Frame& frame, Slot out, const Vector& a, const Vector& b, uint32_t n) {
  const Vector* inputs[] = {&a, &b};
  return MergeNulls(frame, out, inputs, 2, n);
}

Error OutOfMemoryError() {
  return Error{ErrorCode::kOutOfMemory, 0, "out of memory while evaluating an expression"};
}

}  // namespace sirocco::engine
