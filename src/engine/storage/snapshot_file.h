// A snapshot as a file: the encoded segments as they lie in memory, each with a checksum, so that a
// table is back after a restart as fast as the file can be read. Layout: docs/storage.md.
//
// Files are written under a temporary name and renamed when they are on disk, so a file with its
// final name is whole. Nothing in a file is trusted: sizes are checked before they are used, and
// bytes against their checksums. Threads: pure functions.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "common/error.h"
#include "engine/memory/memory_pool.h"
#include "engine/storage/table.h"

namespace sirocco::engine {

class SnapshotFile {
 public:
  struct Content {
    SnapshotPtr snapshot;
    std::string label;
    uint64_t checksum = 0;  // tells versions of a file apart
  };

  // `label`: what the owner wants to find with the snapshot. `stop`: gives up with kCancelled once
  // true (may be null). Returns the checksum. Errors: kIo (the former file is still there).
  static Result<uint64_t> Write(const Snapshot& snapshot, std::string_view label,
                                const std::string& path, const std::atomic<bool>* stop);
  // Memory is charged to `pool`. Errors: kIo, kCorrupt, kNotSupported (another version of the
  // format), kOutOfMemory.
  static Result<Content> Read(const std::string& path, std::shared_ptr<MemoryPool> pool);

 private:
  class Writer;
  class Reader;
};

// A small file with a checksum, written the same way.
Result<void> WriteSmallFile(const std::string& path, std::string_view bytes);
Result<std::string> ReadSmallFile(const std::string& path);

}  // namespace sirocco::engine
