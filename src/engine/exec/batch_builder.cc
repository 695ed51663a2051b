#include "engine/exec/batch_builder.h"

#include "common/check.h"

namespace sirocco::engine {

namespace {
// A batch this full is passed on: waiting for more would rarely fit another input's rows.
constexpr uint32_t kWellFilled = kVectorSize / 2;
}  // namespace

BatchBuilder::BatchBuilder(const BatchLayout& layout)
    : layout_(layout), columns_(layout.columns.size()) {
  for (size_t c = 0; c < columns_.size(); ++c) {
    columns_[c].buffer.Reset(layout.columns[c].lane);
    has_strings_ |= layout.columns[c].lane == Lane::kStr;
  }
  batch_.vectors.resize(columns_.size());
}

Vector BatchBuilder::Target(size_t column, bool nulls) {
  Column& c = columns_[column];
  if (nulls && c.nulls == nullptr) {
    c.nulls = c.buffer.Nulls();
    std::memset(c.nulls, 0, count_);
  }
  Vector out = c.buffer.Flat();
  out.nulls = c.nulls;
  return out;
}

void BatchBuilder::Gather(size_t column, const Vector& in, const uint16_t* rows, uint32_t n) {
  DCHECK(n <= room());
  GatherVector(in, rows, n, Target(column, in.nulls != nullptr), count_);
}

Result<void> BatchBuilder::Emit(BatchConsumer* next, bool all) {
  if (count_ == 0 || (!all && count_ < kWellFilled)) return {};
  batch_.count = count_;
  for (size_t c = 0; c < columns_.size(); ++c) {
    Vector& out = batch_.vectors[c];
    out = columns_[c].buffer.Flat();
    out.nulls = columns_[c].nulls;
    out.dictionary = layout_.columns[c].dictionary;
    columns_[c].nulls = nullptr;
  }
  count_ = 0;
  return next->Consume(batch_);
}

}  // namespace sirocco::engine
