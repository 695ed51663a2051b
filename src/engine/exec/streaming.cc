#include "engine/exec/streaming.h"

#include <algorithm>

#include "common/check.h"
#include "engine/exec/batch_builder.h"
#include "mysqlsem/decimal.h"

namespace sirocco::engine {

namespace {
BatchLayout PickColumns(const BatchLayout& input, const std::vector<uint32_t>& positions) {
  BatchLayout layout;
  for (uint32_t position : positions) layout.columns.push_back(input.columns[position]);
  return layout;
}
}  // namespace

// --- Filter ---

struct FilterOperator::State final : LocalState {
  explicit State(const BatchLayout& layout) : builder(layout) {
    passed.vectors.resize(layout.columns.size());
  }
  std::unique_ptr<ExpressionState> expression;
  BatchBuilder builder;
  Batch passed;
  uint16_t rows[kVectorSize];
};

FilterOperator::FilterOperator(std::unique_ptr<Expression> predicate, const BatchLayout& input,
                               std::vector<uint32_t> output)
    : predicate_(std::move(predicate)),
      output_(std::move(output)),
      layout_(PickColumns(input, output_)) {}

std::unique_ptr<LocalState> FilterOperator::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>(layout_);
  state->expression = predicate_->MakeState();
  return state;
}

OperatorStatistics FilterOperator::Describe() const { return {.name = "Filter"}; }

Result<void> FilterOperator::Push(const Batch& batch, LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  ASSIGN_OR_RETURN(const uint32_t n,
                   predicate_->Select(batch, state->expression.get(), state->rows));
  if (n == 0) return {};
  BatchBuilder& builder = state->builder;
  if (n == batch.count) {
    // Nothing dropped: pass the vectors on as they are.
    RETURN_IF_ERROR(builder.Emit(next, true));
    for (size_t c = 0; c < output_.size(); ++c)
      state->passed.vectors[c] = batch.vectors[output_[c]];
    state->passed.count = n;
    return next->Consume(state->passed);
  }
  if (n > builder.room()) RETURN_IF_ERROR(builder.Emit(next, true));
  for (size_t c = 0; c < output_.size(); ++c)
    builder.Gather(c, batch.vectors[output_[c]], state->rows, n);
  builder.Advance(n);
  return builder.Emit(next, builder.must_flush());
}

Result<void> FilterOperator::Flush(LocalState* local, BatchConsumer* next) {
  return static_cast<State*>(local)->builder.Emit(next, true);
}

// --- Projection ---

struct ProjectOperator::State final : LocalState {
  std::unique_ptr<ExpressionState> expression;
  Batch out;
};

ProjectOperator::ProjectOperator(const BatchLayout& input, std::vector<uint32_t> output,
                                 std::unique_ptr<Expression> expressions,
                                 std::span<const std::pair<ColumnId, plan::Type>> columns)
    : expressions_(std::move(expressions)),
      output_(std::move(output)),
      layout_(PickColumns(input, output_)) {
  for (size_t i = 0; i < columns.size(); ++i) {
    ColumnInfo info = expressions_->outputs()[i];
    info.id = columns[i].first;
    layout_.columns.push_back(info);
  }
}

std::unique_ptr<LocalState> ProjectOperator::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  if (expressions_ != nullptr) state->expression = expressions_->MakeState();
  state->out.vectors.resize(layout_.columns.size());
  return state;
}

OperatorStatistics ProjectOperator::Describe() const { return {.name = "Project"}; }

Result<void> ProjectOperator::Push(const Batch& batch, LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  for (size_t c = 0; c < output_.size(); ++c) state->out.vectors[c] = batch.vectors[output_[c]];
  if (expressions_ != nullptr) {
    RETURN_IF_ERROR(expressions_->Evaluate(batch, state->expression.get(),
                                           std::span(state->out.vectors).subspan(output_.size())));
  }
  state->out.count = batch.count;
  return next->Consume(state->out);
}

// --- Limit ---

namespace {
struct LimitState final : LocalState {
  VectorBuffer constants;
  std::vector<Vector> vectors;
  Batch out;
};

// The vector from row `first` on.
Vector Slice(Vector vector, uint32_t first) {
  if (vector.constant || first == 0) return vector;
  vector.data = static_cast<char*>(vector.data) + size_t{first} * LaneWidth(vector.lane);
  if (vector.nulls != nullptr) vector.nulls += first;
  return vector;
}
}  // namespace

LimitOperator::LimitOperator(BatchLayout layout, uint64_t limit, uint64_t offset)
    : layout_(std::move(layout)),
      offset_(offset),
      end_(limit > plan::kNoLimit - offset ? plan::kNoLimit : offset + limit) {}

std::unique_ptr<LocalState> LimitOperator::MakeState(uint32_t worker) {
  return std::make_unique<LimitState>();
}

OperatorStatistics LimitOperator::Describe() const { return {.name = "Limit"}; }

Result<void> LimitOperator::Push(const Batch& batch, LocalState* local, BatchConsumer* next) {
  if (satisfied()) return {};
  const uint64_t first = seen_.fetch_add(batch.count, std::memory_order_relaxed);
  const uint64_t from = std::max(first, offset_), to = std::min(first + batch.count, end_);
  if (from >= to) return {};
  if (to - from == batch.count) return next->Consume(batch);
  Batch& out = static_cast<LimitState*>(local)->out;
  out.vectors.clear();
  for (const Vector& vector : batch.vectors)
    out.vectors.push_back(Slice(vector, static_cast<uint32_t>(from - first)));
  out.count = static_cast<uint32_t>(to - from);
  return next->Consume(out);
}

// --- Lanes ---

struct LaneOperator::State final : LocalState {
  std::vector<LaneBuffer> buffers;
  Batch out;
};

bool LaneOperator::CanConvert(const plan::Type& type, Lane from, Lane to) {
  if (from == to || (from == Lane::kCode && to == Lane::kStr) ||
      (from == Lane::kI64 && to == Lane::kI128))
    return true;
  return type.kind == plan::TypeKind::kDecimal && (from == Lane::kI64 || from == Lane::kI128) &&
         to == Lane::kStr;
}

LaneOperator::LaneOperator(const BatchLayout& input, std::vector<uint32_t> positions,
                           std::span<const ColumnId> ids, std::span<const Lane> lanes)
    : positions_(std::move(positions)), layout_(PickColumns(input, positions_)) {
  for (size_t i = 0; i < positions_.size(); ++i) {
    layout_.columns[i].id = ids[i];
    layout_.columns[i].lane = lanes[i];
    if (lanes[i] != Lane::kCode) layout_.columns[i].dictionary = nullptr;
  }
}

std::unique_ptr<LocalState> LaneOperator::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->buffers.resize(positions_.size());
  state->out.vectors.resize(positions_.size());
  return state;
}

OperatorStatistics LaneOperator::Describe() const { return {.name = "Convert"}; }

Result<void> LaneOperator::Push(const Batch& batch, LocalState* local, BatchConsumer* next) {
  auto* state = static_cast<State*>(local);
  for (size_t c = 0; c < positions_.size(); ++c) {
    state->out.vectors[c] =
        ConvertLane(batch.vectors[positions_[c]], batch.count, layout_.columns[c].type,
                    layout_.columns[c].lane, &state->buffers[c]);
  }
  state->out.count = batch.count;
  return next->Consume(state->out);
}

Vector ConvertLane(const Vector& in, uint32_t count, const plan::Type& type, Lane lane,
                   LaneBuffer* buffer) {
  if (in.lane == lane) return in;
  if (in.lane == Lane::kCode) return DecodeDictionary(in, count, &buffer->values);
  buffer->values.Reset(lane);
  Vector out = buffer->values.Flat();
  out.constant = in.constant;
  out.nulls = in.nulls;
  const uint32_t n = in.constant ? 1 : count;
  if (lane == Lane::kI128) {
    CHECK(in.lane == Lane::kI64);
    for (uint32_t i = 0; i < n; ++i) out.i128()[i] = in.i64()[i];
    return out;
  }
  CHECK(type.kind == plan::TypeKind::kDecimal && lane == Lane::kStr && in.lane != Lane::kF64);
  const auto size = static_cast<uint32_t>(mysqlsem::PackedDecimalSize(type.precision, type.scale));
  if (buffer->bytes == nullptr)
    buffer->bytes = std::make_unique<char[]>(size_t{size} * kVectorSize);
  for (uint32_t i = 0; i < n; ++i) {
    char* bytes = buffer->bytes.get() + size_t{i} * size;
    const bool null = in.nulls != nullptr && in.nulls[i];
    const int128 value = null ? 0 : in.lane == Lane::kI64 ? int128{in.i64()[i]} : in.i128()[i];
    mysqlsem::EncodePackedFromInt128(value, type.precision, type.scale,
                                     reinterpret_cast<uint8_t*>(bytes));
    out.str()[i] = {.data = bytes, .size = size};
  }
  return out;
}

}  // namespace sirocco::engine
