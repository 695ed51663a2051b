#include "engine/exec/result_delivery.h"

#include "engine/exec/streaming.h"

namespace sirocco::engine {

struct ResultDelivery::State final : LocalState {
  std::vector<LaneBuffer> converted;
  std::vector<VectorBuffer> flat;
  Batch out;
};

Result<std::unique_ptr<ResultDelivery>> ResultDelivery::Create(
    const std::vector<plan::ResultColumn>& results, const BatchLayout& input) {
  auto delivery = std::make_unique<ResultDelivery>();
  for (const plan::ResultColumn& column : results) {
    const int position = input.Find(column.id);
    if (position < 0)
      return MakeError(ErrorCode::kInvalidArgument,
                       "result column is not produced by the plan: " + column.name);
    const Lane lane = plan::LaneOf(column.type);
    if (!LaneOperator::CanConvert(column.type, input.columns[position].lane, lane))
      return NotSupported("result type " + plan::TypeName(column.type) + " from " +
                          plan::TypeName(input.columns[position].type));
    delivery->positions_.push_back(static_cast<uint32_t>(position));
    delivery->types_.push_back(column.type);
    delivery->lanes_.push_back(lane);
  }
  return delivery;
}

std::unique_ptr<LocalState> ResultDelivery::MakeState(uint32_t worker) {
  auto state = std::make_unique<State>();
  state->converted.resize(positions_.size());
  state->flat.resize(positions_.size());
  state->out.vectors.resize(positions_.size());
  return state;
}

Result<void> ResultDelivery::Consume(const Batch& batch, LocalState* local) {
  auto* state = static_cast<State*>(local);
  for (size_t c = 0; c < positions_.size(); ++c) {
    const Vector converted = ConvertLane(batch.vectors[positions_[c]], batch.count, types_[c],
                                         lanes_[c], &state->converted[c]);
    state->out.vectors[c] = Flatten(converted, batch.count, &state->flat[c]);
  }
  state->out.count = batch.count;
  std::lock_guard lock(mutex_);
  rows_ += batch.count;
  return (*sink_)(state->out);
}

}  // namespace sirocco::engine
