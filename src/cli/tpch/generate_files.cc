#include "cli/tpch/generate_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "cli/tpch/table_text.h"

namespace sirocco::tpch {
namespace {

constexpr size_t kBufferBytes = 4u << 20;
constexpr int64_t kUnitsPerPiece = 5000;  // at most 4.5 MB of lines, written in one go

// One file that threads fill piece by piece: pieces are generated in parallel and written in order.
class PieceWriter {
 public:
  PieceWriter(int fd, Scale scale, Table table) : fd_(fd), scale_(scale), table_(table) {}

  void Work() {
    const int64_t num_units = scale_.NumUnits(table_);
    std::vector<char> text;
    while (true) {
      const int64_t piece = next_piece_.fetch_add(1);
      const int64_t first = piece * kUnitsPerPiece;
      if (first >= num_units) return;
      auto source =
          TableText::Make(TextPool::Get(), scale_, table_,
                          {first, std::min(kUnitsPerPiece, num_units - first)}, LineEnd::kBar);
      size_t size = 0;
      while (true) {
        text.resize(size + kBufferBytes);
        const size_t bytes = source->Read({text.data() + size, kBufferBytes});
        if (bytes == 0) break;
        size += bytes;
      }
      if (!WriteInOrder(piece, {text.data(), size}, source->num_rows())) return;
    }
  }

  int64_t num_rows() const { return num_rows_; }
  int error() const { return error_; }  // errno of the first failed write, or 0

 private:
  bool WriteInOrder(int64_t piece, std::span<const char> text, int64_t rows) {
    std::unique_lock lock(mutex_);
    turn_.wait(lock, [&] { return written_ == piece || error_ != 0; });
    while (!text.empty() && error_ == 0) {
      const ssize_t bytes = write(fd_, text.data(), text.size());
      if (bytes > 0) text = text.subspan(bytes);
      if (bytes < 0 && errno != EINTR) error_ = errno;
    }
    num_rows_ += rows;
    ++written_;
    turn_.notify_all();
    return error_ == 0;
  }

  const int fd_;
  const Scale scale_;
  const Table table_;
  std::atomic<int64_t> next_piece_{0};
  std::mutex mutex_;
  std::condition_variable turn_;
  int64_t written_ = 0;
  int64_t num_rows_ = 0;
  int error_ = 0;
};

}  // namespace

Result<void> GenerateFiles(Scale scale, const std::string& folder, int num_threads,
                           const std::function<void(Table, int64_t)>& progress) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    return MakeError(ErrorCode::kIo,
                     fmt::format("cannot create folder {}: {}", folder, failure.message()));
  for (Table table : kAllTables) {
    const std::string path = fmt::format("{}/{}.tbl", folder, TableName(table));
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
      return MakeError(ErrorCode::kIo,
                       fmt::format("cannot create {}: {}", path, std::strerror(errno)));
    PieceWriter writer(fd, scale, table);
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < std::max(1, num_threads); ++i)
        threads.emplace_back([&writer] { writer.Work(); });
    }
    int error = writer.error();
    if (close(fd) != 0 && error == 0) error = errno;
    if (error != 0) {
      unlink(path.c_str());
      return MakeError(ErrorCode::kIo,
                       fmt::format("cannot write {}: {}", path, std::strerror(error)));
    }
    progress(table, writer.num_rows());
  }
  return {};
}

}  // namespace sirocco::tpch
