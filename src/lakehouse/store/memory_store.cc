#include "lakehouse/store/memory_store.h"

#include <cstring>

namespace sirocco::lakehouse {

namespace {

class DoneRead final : public PendingRead {
 public:
  explicit DoneRead(Result<void> result) : result_(std::move(result)) {}
  Result<void> Wait() override { return result_; }

 private:
  Result<void> result_;
};

}  // namespace

Result<void> MemoryStore::List(std::string_view prefix,
                               const std::function<bool(std::span<const ObjectMeta>)>& page) {
  std::vector<ObjectMeta> objects;
  {
    std::lock_guard lock(mutex_);
    for (auto at = objects_.lower_bound(prefix);
         at != objects_.end() && at->first.starts_with(prefix); ++at)
      objects.push_back(MetaOf(at->first, at->second));
  }
  if (!objects.empty()) page(objects);
  return {};
}

Result<ObjectMeta> MemoryStore::Head(const std::string& name) {
  std::lock_guard lock(mutex_);
  const auto at = objects_.find(name);
  if (at == objects_.end()) return MakeError(ErrorCode::kNotFound, "no such object: " + name);
  return MetaOf(name, at->second);
}

std::unique_ptr<PendingRead> MemoryStore::StartRead(const ObjectMeta& object, uint64_t offset,
                                                    std::span<char> out) {
  const auto read = [&]() -> Result<void> {
    std::lock_guard lock(mutex_);
    if (fault_) RETURN_IF_ERROR(fault_(object.name, offset));
    const auto at = objects_.find(object.name);
    if (at == objects_.end()) return MakeError(ErrorCode::kNotFound, "no such object");
    if (MetaOf(at->first, at->second).etag != object.etag)
      return MakeError(ErrorCode::kStale, "object changed since it was listed: " + object.name);
    if (offset > at->second.bytes.size() || at->second.bytes.size() - offset < out.size())
      return MakeError(ErrorCode::kInvalidArgument, "read behind the end of an object");
    std::memcpy(out.data(), at->second.bytes.data() + offset, out.size());
    return {};
  };
  return std::make_unique<DoneRead>(read());
}

Result<void> MemoryStore::Put(const std::string& name, std::string_view bytes, bool only_new) {
  std::lock_guard lock(mutex_);
  if (only_new && objects_.contains(name))
    return MakeError(ErrorCode::kAlreadyExists, "object exists: " + name);
  objects_[name] = {std::string(bytes), next_version_++};
  return {};
}

}  // namespace sirocco::lakehouse
