// Temporary files of queries: pages of bytes in files without a name, within a limit for the whole
// node.
//
// A file is unlinked as soon as it is made, so it is gone with its last user, also after a crash;
// Open removes what file systems without nameless files may leave behind. Every page is checked
// against its length and checksum when it is read back. Threads: SpillSpace from any thread; a
// SpillFile is written by one thread, its complete pages are read by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "common/error.h"

namespace sirocco::engine {

class SpillSpace;

// Where a page is in its file.
struct SpillPage {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t checksum = 0;
};

class SpillFile {
 public:
  ~SpillFile();
  SpillFile(const SpillFile&) = delete;
  SpillFile& operator=(const SpillFile&) = delete;

  // Appends a page. Errors: kMysql 1114 (table is full) if the limit or the disk is reached, kIo.
  Result<SpillPage> Write(const void* bytes, uint64_t size);
  // Reads page.bytes bytes. Errors: kIo; kCorrupt if they are not what was written.
  Result<void> Read(const SpillPage& page, void* out) const;

 private:
  friend class SpillSpace;
  SpillFile(SpillSpace* space, int fd) : space_(space), fd_(fd) {}

  SpillSpace* space_;
  int fd_;
  uint64_t size_ = 0;
};

// Memory that the kernel may write to a temporary file when it is short of pages: for what must be
// addressed at random and is too large for a query's pool. Zeroed. Not thread safe.
class SpillMapping {
 public:
  ~SpillMapping();
  SpillMapping(const SpillMapping&) = delete;
  SpillMapping& operator=(const SpillMapping&) = delete;

  char* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  friend class SpillSpace;
  SpillMapping(SpillSpace* space, char* data, uint64_t bytes)
      : space_(space), data_(data), bytes_(bytes) {}

  SpillSpace* space_;
  char* data_;
  uint64_t bytes_;
};

class SpillSpace {
 public:
  static constexpr uint64_t kUnlimited = ~uint64_t{0};

  SpillSpace(std::string folder, uint64_t limit_bytes)
      : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

  // Makes the folder and removes files of an earlier process.
  Result<void> Open();
  // A new, empty file. The space outlives it.
  Result<std::unique_ptr<SpillFile>> MakeFile();
  // Mapped memory of at least `bytes` bytes, all of them on disk already, so that writing to it
  // cannot fail. Errors: kMysql 1114, kIo.
  Result<std::unique_ptr<SpillMapping>> Map(uint64_t bytes);

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }
  const std::string& folder() const { return folder_; }

 private:
  friend class SpillFile;
  friend class SpillMapping;
  Result<int> OpenFile();
  bool TryReserve(uint64_t bytes);
  void Release(uint64_t bytes) { used_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  const std::string folder_;
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> used_bytes_{0}, peak_bytes_{0}, next_name_{0};
};

}  // namespace sirocco::engine
