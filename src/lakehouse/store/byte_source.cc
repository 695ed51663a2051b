#include "lakehouse/store/byte_source.h"

#include <algorithm>

namespace sirocco::lakehouse {

namespace {
// Behind the soft end only the rest of one record is wanted.
constexpr size_t kTailRequestBytes = 64 << 10;
}  // namespace

RangeSource::RangeSource(ObjectStore* store, const ObjectMeta& object, uint64_t begin,
                         uint64_t soft_end)
    : store_(store),
      object_(object),
      next_offset_(begin),
      soft_end_(std::min(soft_end, object.size)),
      shape_(store->read_shape()) {}

RangeSource::~RangeSource() = default;

void RangeSource::StartMore() {
  // The requests in flight besides the one being consumed.
  while (requests_.size() - front_is_out_ < std::max(1u, shape_.requests_ahead) &&
         next_offset_ < object_.size) {
    const bool tail = next_offset_ >= soft_end_;
    if (tail && requests_.size() > front_is_out_) return;
    const uint64_t end = tail ? object_.size : soft_end_;
    Request request;
    request.size = static_cast<size_t>(
        std::min<uint64_t>(tail ? kTailRequestBytes : shape_.request_bytes, end - next_offset_));
    request.bytes = std::make_unique_for_overwrite<char[]>(request.size);
    request.read = store_->StartRead(object_, next_offset_, {request.bytes.get(), request.size});
    next_offset_ += request.size;
    requests_.push_back(std::move(request));
  }
}

Result<std::string_view> RangeSource::Next() {
  if (front_is_out_) {
    requests_.pop_front();
    front_is_out_ = false;
  }
  StartMore();
  if (requests_.empty()) return std::string_view();
  Request& front = requests_.front();
  RETURN_IF_ERROR(front.read->Wait());
  front.read.reset();
  front_is_out_ = true;
  StartMore();
  return std::string_view(front.bytes.get(), front.size);
}

}  // namespace sirocco::lakehouse
