#include "engine/spill/spill_space.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sirocco::engine {

namespace {

constexpr uint32_t kTableIsFull = 1114;  // ER_RECORD_FILE_FULL
constexpr const char* kPrefix = "sirocco-spill-";

std::unexpected<Error> Full(const SpillSpace& space) {
  return MakeMysqlError(kTableIsFull, "The table '" + space.folder() + "' is full");
}

std::string SystemError() { return std::strerror(errno); }

}  // namespace

Result<void> SpillSpace::Open() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    return MakeError(ErrorCode::kIo, "cannot make the folder for temporary files " + folder_ +
                                         ": " + error.message());
  std::filesystem::directory_iterator entries(folder_, error);
  if (error)
    return MakeError(ErrorCode::kIo, "cannot read the folder for temporary files " + folder_ +
                                         ": " + error.message());
  for (const auto& entry : entries)
    if (entry.path().filename().string().starts_with(kPrefix))
      std::filesystem::remove(entry.path(), error);
  return {};
}

Result<int> SpillSpace::OpenFile() {
  int fd = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
  if (fd < 0) {
    const std::string path = folder_ + "/" + kPrefix + std::to_string(::getpid()) + "-" +
                             std::to_string(next_name_.fetch_add(1));
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) ::unlink(path.c_str());
  }
  if (fd < 0) {
    if (errno == ENOSPC || errno == EDQUOT) return Full(*this);
    return MakeError(ErrorCode::kIo,
                     "cannot make a temporary file in " + folder_ + ": " + SystemError());
  }
  return fd;
}

Result<std::unique_ptr<SpillFile>> SpillSpace::MakeFile() {
  ASSIGN_OR_RETURN(const int fd, OpenFile());
  return std::unique_ptr<SpillFile>(new SpillFile(this, fd));
}

Result<std::unique_ptr<SpillMapping>> SpillSpace::Map(uint64_t bytes) {
  bytes = std::max<uint64_t>((bytes + 4095) & ~uint64_t{4095}, 4096);
  if (!TryReserve(bytes)) return Full(*this);
  const auto fail = [&](std::unexpected<Error> error) {
    Release(bytes);
    return error;
  };
  Result<int> fd = OpenFile();
  if (!fd) return fail(std::unexpected(fd.error()));
  const int error = ::posix_fallocate(*fd, 0, static_cast<off_t>(bytes));
  void* data =
      error != 0 ? MAP_FAILED : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
  const std::string text = std::strerror(error != 0 ? error : errno);
  ::close(*fd);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return fail(Full(*this));
  if (data == MAP_FAILED)
    return fail(MakeError(ErrorCode::kIo, "cannot map a temporary file: " + text));
  return std::unique_ptr<SpillMapping>(new SpillMapping(this, static_cast<char*>(data), bytes));
}

SpillMapping::~SpillMapping() {
  ::munmap(data_, bytes_);
  space_->Release(bytes_);
}

bool SpillSpace::TryReserve(uint64_t bytes) {
  uint64_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (used + bytes > limit_bytes_ || used + bytes < used) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  uint64_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (peak < used + bytes &&
         !peak_bytes_.compare_exchange_weak(peak, used + bytes, std::memory_order_relaxed)) {
  }
  return true;
}

SpillFile::~SpillFile() {
  ::close(fd_);
  space_->Release(size_);
}

Result<SpillPage> SpillFile::Write(const void* bytes, uint64_t size) {
  if (!space_->TryReserve(size)) return Full(*space_);
  const SpillPage page{size_, size, XXH3_64bits(bytes, size)};
  size_ += size;
  const char* from = static_cast<const char*>(bytes);
  uint64_t done = 0;
  while (done < size) {
    const ssize_t n =
        ::pwrite(fd_, from + done, size - done, static_cast<off_t>(page.offset + done));
    if (n > 0) {
      done += static_cast<uint64_t>(n);
    } else if (n == 0 || errno == ENOSPC || errno == EDQUOT) {
      return Full(*space_);
    } else if (errno != EINTR) {
      return MakeError(ErrorCode::kIo, "cannot write a temporary file: " + SystemError());
    }
  }
  return page;
}

Result<void> SpillFile::Read(const SpillPage& page, void* out) const {
  char* to = static_cast<char*>(out);
  uint64_t done = 0;
  while (done < page.bytes) {
    const ssize_t n =
        ::pread(fd_, to + done, page.bytes - done, static_cast<off_t>(page.offset + done));
    if (n > 0) {
      done += static_cast<uint64_t>(n);
    } else if (n == 0) {
      return MakeError(ErrorCode::kCorrupt, "a temporary file has been cut");
    } else if (errno != EINTR) {
      return MakeError(ErrorCode::kIo, "cannot read a temporary file: " + SystemError());
    }
  }
  if (XXH3_64bits(out, page.bytes) != page.checksum)
    return MakeError(ErrorCode::kCorrupt, "a page of a temporary file has a wrong checksum");
  return {};
}

}  // namespace sirocco::engine
