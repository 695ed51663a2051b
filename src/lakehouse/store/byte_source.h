// The bytes of a file in order, in blocks: what text readers consume. A range of an object with
// reads in flight ahead of the consumer, or anything else that makes bytes one after another (a
// decompressor, a test's string).
//
// Threads: one thread at a time.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "lakehouse/store/object_store.h"

namespace sirocco::lakehouse {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, valid until the next call; empty at the end.
  virtual Result<std::string_view> Next() = 0;
};

// Bytes [begin, size) of an object. Reads ahead up to `soft_end`; what lies behind is fetched in
// small pieces on demand.
class RangeSource final : public ByteSource {
 public:
  RangeSource(ObjectStore* store, const ObjectMeta& object, uint64_t begin, uint64_t soft_end);
  ~RangeSource() override;
  Result<std::string_view> Next() override;

 private:
  struct Request {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
    std::unique_ptr<PendingRead> read;
  };
  void StartMore();

  ObjectStore* store_;
  const ObjectMeta& object_;
  uint64_t next_offset_;  // of the next request
  uint64_t soft_end_;
  ObjectStore::ReadShape shape_;
  std::deque<Request> requests_;  // the front may be the one handed out
  bool front_is_out_ = false;
};

class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes, size_t block = SIZE_MAX)
      : bytes_(bytes), block_(block) {}
  Result<std::string_view> Next() override {
    const std::string_view next = bytes_.substr(0, block_);
    bytes_.remove_prefix(next.size());
    return next;
  }

 private:
  std::string_view bytes_;
  size_t block_;
};

}  // namespace sirocco::lakehouse
