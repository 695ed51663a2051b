// Objects in memory, for tests: an ObjectStore whose reads can be made to fail. See object_store.h.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

class MemoryStore final : public ObjectStore {
 public:
  Result<void> List(std::string_view prefix,
                    const std::function<bool(std::span<const ObjectMeta>)>& page) override;
  Result<ObjectMeta> Head(const std::string& name) override;
  std::unique_ptr<PendingRead> StartRead(const ObjectMeta& object, uint64_t offset,
                                         std::span<char> out) override;
  Result<void> Put(const std::string& name, std::string_view bytes, bool only_new = false) override;
  ReadShape read_shape() const override { return shape_; }
  std::string DisplayName(const std::string& name) const override { return name; }

  void set_read_shape(ReadShape shape) { shape_ = shape; }
  // Asked before every read; an error is what the read returns.
  void set_fault(std::function<Result<void>(const std::string& name, uint64_t offset)> fault) {
    fault_ = std::move(fault);
  }

 private:
  std::mutex mutex_;
  struct Object {
    std::string bytes;
    uint64_t version = 0;
  };
  static ObjectMeta MetaOf(const std::string& name, const Object& object) {
    return {name, object.bytes.size(), std::to_string(object.version), 0};
  }
  std::map<std::string, Object, std::less<>> objects_;
  uint64_t next_version_ = 1;
  ReadShape shape_;
  std::function<Result<void>(const std::string&, uint64_t)> fault_;
};

}  // namespace sirocco::lakehouse
