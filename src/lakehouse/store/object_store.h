// Where files of external tables are: one interface for local folders, S3-compatible stores and
// plain HTTPS.
//
// Names are full names inside the store: an absolute path for local files, the key inside the
// bucket for S3, the URL for HTTPS. Reads are started and waited for apart, so that a reader keeps
// several in flight; a store decides itself how many requests really run at once. Threads: a store
// may be used by any number of threads. Errors: kNotFound, kIo, kTimeout, kCancelled, kStale (the
// object changed since it was listed), kMysql 6060 / 6128 (refused by the store).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace sirocco::lakehouse {

struct ObjectMeta {
  std::string name;
  uint64_t size = 0;
  std::string etag;         // identifies the content; local files: inode, size and time
  int64_t modified_us = 0;  // since 1970-01-01 UTC; 0: unknown
  bool operator==(const ObjectMeta&) const = default;
};

// A read under way. Destroying it waits for, or cancels, the transfer; the buffer may go then.
class PendingRead {
 public:
  virtual ~PendingRead() = default;
  // Blocks until the bytes are there. Called once.
  virtual Result<void> Wait() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Calls `page` with the objects whose names begin with `prefix`, ascending by name, in pages,
  // until it returns false. Names ending in '/' and of size 0 (markers of folders) are left out.
  virtual Result<void> List(std::string_view prefix,
                            const std::function<bool(std::span<const ObjectMeta>)>& page) = 0;
  virtual Result<ObjectMeta> Head(const std::string& name) = 0;

  // Starts reading out.size() bytes at `offset`; `object` must be as List or Head gave it, outlives
  // the read, and the bytes must lie within its size. Fails with kStale if the object is not that
  // one any more.
  virtual std::unique_ptr<PendingRead> StartRead(const ObjectMeta& object, uint64_t offset,
                                                 std::span<char> out) = 0;
  Result<void> Read(const ObjectMeta& object, uint64_t offset, std::span<char> out) {
    return StartRead(object, offset, out)->Wait();
  }

  // Writes a whole object; readers see all of it or nothing. `only_new`: fails with kAlreadyExists
  // if there is one.
  virtual Result<void> Put(const std::string& name, std::string_view bytes,
                           bool only_new = false) = 0;

  // How a reader of long ranges should ask: bytes per request and requests ahead.
  struct ReadShape {
    size_t request_bytes = 1 << 20;
    uint32_t requests_ahead = 1;
  };
  virtual ReadShape read_shape() const { return {}; }

  // For messages and the metadata column: the location as a user would write it, without secrets.
  virtual std::string DisplayName(const std::string& name) const = 0;
};

}  // namespace sirocco::lakehouse
