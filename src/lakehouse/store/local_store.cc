#include "lakehouse/store/local_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "lakehouse/errors.h"

namespace sirocco::lakehouse {

namespace {

namespace fs = std::filesystem;

// Files opened once and kept while the store lives: ranges of a file are read by several threads.
constexpr size_t kMaxOpenFiles = 64;
constexpr size_t kPageObjects = 1000;

std::string ReasonOf(int error) { return std::strerror(error); }

ObjectMeta MetaOf(std::string name, const struct stat& status) {
  ObjectMeta meta;
  meta.name = std::move(name);
  meta.size = static_cast<uint64_t>(status.st_size);
  meta.modified_us = status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000;
  meta.etag = std::to_string(status.st_ino) + "-" + std::to_string(status.st_size) + "-" +
              std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
  return meta;
}

class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

class LocalRead final : public PendingRead {
 public:
  LocalRead(Result<std::shared_ptr<OpenFile>> file, const ObjectMeta& object, uint64_t offset,
            std::span<char> out)
      : file_(std::move(file)), object_(object), offset_(offset), out_(out) {
    if (file_)
      ::posix_fadvise((*file_)->fd(), static_cast<off_t>(offset), out.size(), POSIX_FADV_WILLNEED);
  }

  Result<void> Wait() override {
    if (!file_) return std::unexpected(file_.error());
    size_t done = 0;
    while (done < out_.size()) {
      const ssize_t got = ::pread((*file_)->fd(), out_.data() + done, out_.size() - done,
                                  static_cast<off_t>(offset_ + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0)
        return MakeError(ErrorCode::kIo, "cannot read " + object_.name + ": " + ReasonOf(errno));
      if (got == 0)
        return MakeError(ErrorCode::kStale,
                         "file became shorter while it was read: " + object_.name);
      done += static_cast<size_t>(got);
    }
    return {};
  }

 private:
  Result<std::shared_ptr<OpenFile>> file_;
  const ObjectMeta& object_;
  uint64_t offset_;
  std::span<char> out_;
};

class LocalStore final : public ObjectStore {
 public:
  explicit LocalStore(std::vector<std::string> folders) {
    for (const std::string& folder : folders) {
      std::error_code error;
      fs::path path = fs::canonical(folder, error);
      if (!error) folders_.push_back(std::move(path));
    }
  }

  Result<void> List(std::string_view prefix,
                    const std::function<bool(std::span<const ObjectMeta>)>& page) override;
  Result<ObjectMeta> Head(const std::string& name) override;
  std::unique_ptr<PendingRead> StartRead(const ObjectMeta& object, uint64_t offset,
                                         std::span<char> out) override {
    return std::make_unique<LocalRead>(Open(object), object, offset, out);
  }
  Result<void> Put(const std::string& name, std::string_view bytes, bool only_new) override;
  std::string DisplayName(const std::string& name) const override { return "file://" + name; }

 private:
  bool IsAllowed(const fs::path& canonical) const {
    return std::any_of(folders_.begin(), folders_.end(), [&](const fs::path& folder) {
      const auto [end, other] =
          std::mismatch(folder.begin(), folder.end(), canonical.begin(), canonical.end());
      return end == folder.end();
    });
  }
  // The real path of a name; errors: kNotFound, 6514.
  Result<fs::path> Resolve(const std::string& name) const;
  Result<std::shared_ptr<OpenFile>> Open(const ObjectMeta& object);

  std::vector<fs::path> folders_;
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::shared_ptr<OpenFile>>> open_;  // by etag, latest last
};

Result<fs::path> LocalStore::Resolve(const std::string& name) const {
  if (name.empty() || name[0] != '/' || name.find('\0') != std::string::npos)
    return MakeError(ErrorCode::kInvalidArgument, "not an absolute path: " + name);
  std::error_code error;
  fs::path path = fs::canonical(name, error);
  if (error) {
    // Do not tell what exists outside the folders.
    if (!IsAllowed(fs::weakly_canonical(name, error).lexically_normal()))
      return LhFail(kLhNoFilesSecureFilePriv, {});
    return MakeError(ErrorCode::kNotFound, "no such file: " + name);
  }
  if (!IsAllowed(path)) return LhFail(kLhNoFilesSecureFilePriv, {});
  return path;
}

Result<ObjectMeta> LocalStore::Head(const std::string& name) {
  ASSIGN_OR_RETURN(const fs::path path, Resolve(name));
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    return MakeError(ErrorCode::kNotFound, "cannot find " + name + ": " + ReasonOf(errno));
  if (!S_ISREG(status.st_mode)) return MakeError(ErrorCode::kNotFound, "not a file: " + name);
  return MetaOf(name, status);
}

Result<void> LocalStore::List(std::string_view prefix,
                              const std::function<bool(std::span<const ObjectMeta>)>& page) {
  const std::string wanted(prefix);
  const size_t slash = wanted.rfind('/');
  if (slash == std::string::npos)
    return MakeError(ErrorCode::kInvalidArgument, "not an absolute path: " + wanted);
  const std::string folder = slash == 0 ? "/" : wanted.substr(0, slash);
  auto resolved = Resolve(folder);
  if (!resolved) {
    if (resolved.error().code == ErrorCode::kNotFound) return {};
    return std::unexpected(resolved.error());
  }
  std::vector<ObjectMeta> objects;
  std::error_code error;
  const std::string base = folder == "/" ? "/" : folder + "/";
  for (auto at = fs::recursive_directory_iterator(
           *resolved, fs::directory_options::skip_permission_denied, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = base + at->path().lexically_relative(*resolved).string();
    // A folder that cannot hold a match is not entered.
    if (!name.starts_with(wanted) && !wanted.starts_with(name + "/")) {
      at.disable_recursion_pending();
      continue;
    }
    if (!name.starts_with(wanted)) continue;
    auto meta = Head(name);  // follows links and checks where they lead
    if (meta) objects.push_back(std::move(*meta));
  }
  if (error) return MakeError(ErrorCode::kIo, "cannot list " + folder + ": " + error.message());
  std::sort(objects.begin(), objects.end(),
            [](const ObjectMeta& a, const ObjectMeta& b) { return a.name < b.name; });
  for (size_t at = 0; at < objects.size(); at += kPageObjects) {
    if (!page(std::span(objects).subspan(at, std::min(kPageObjects, objects.size() - at)))) break;
  }
  return {};
}

Result<std::shared_ptr<OpenFile>> LocalStore::Open(const ObjectMeta& object) {
  const std::string key = object.name + '\n' + object.etag;
  std::lock_guard lock(mutex_);
  for (auto& [name, file] : open_)
    if (name == key) return file;
  ASSIGN_OR_RETURN(const fs::path path, Resolve(object.name));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return MakeError(ErrorCode::kIo, "cannot open " + object.name + ": " + ReasonOf(errno));
  auto file = std::make_shared<OpenFile>(fd);
  struct stat status;
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return MakeError(ErrorCode::kIo, "not a file: " + object.name);
  if (MetaOf(object.name, status).etag != object.etag)
    return MakeError(ErrorCode::kStale, "file changed since it was listed: " + object.name);
  if (open_.size() >= kMaxOpenFiles) open_.erase(open_.begin());
  open_.emplace_back(key, file);
  return file;
}

Result<void> LocalStore::Put(const std::string& name, std::string_view bytes, bool only_new) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos || slash + 1 == name.size())
    return MakeError(ErrorCode::kInvalidArgument, "not a file name: " + name);
  ASSIGN_OR_RETURN(const fs::path folder, Resolve(slash == 0 ? "/" : name.substr(0, slash)));
  const std::string target = (folder / name.substr(slash + 1)).string();
  static std::atomic<uint64_t> serial{0};
  const std::string temporary =
      target + ".part" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (fd < 0)
    return MakeError(ErrorCode::kIo, "cannot create " + temporary + ": " + ReasonOf(errno));
  size_t done = 0;
  int failed = 0;
  while (done < bytes.size() && failed == 0) {
    const ssize_t put = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (put >= 0)
      done += static_cast<size_t>(put);
    else if (errno != EINTR)
      failed = errno;
  }
  if (failed == 0 && ::fsync(fd) != 0) failed = errno;
  ::close(fd);
  // link() refuses an existing name, rename() replaces it; both at once and whole.
  if (failed == 0) {
    if (only_new) {
      if (::link(temporary.c_str(), target.c_str()) != 0) failed = errno;
      ::unlink(temporary.c_str());
    } else if (::rename(temporary.c_str(), target.c_str()) != 0) {
      failed = errno;
    }
  }
  if (failed == 0) return {};
  ::unlink(temporary.c_str());
  return MakeError(failed == EEXIST ? ErrorCode::kAlreadyExists : ErrorCode::kIo,
                   "cannot write " + name + ": " + ReasonOf(failed));
}

}  // namespace

std::unique_ptr<ObjectStore> MakeLocalStore(std::vector<std::string> folders) {
  return std::make_unique<LocalStore>(std::move(folders));
}

}  // namespace sirocco::lakehouse
