#include "plugin/changes/run_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <utility>

#include "my_inttypes.h"
#include "plugin/changes/binlog_file.h"
#include "plugin/server_log.h"
#include "sql/mysqld.h"

// innodb_flush_log_at_trx_commit.
extern ulong srv_flush_log_at_trx_commit;

namespace sirocco::plugin {
namespace {

constexpr char kHeading[] = "rapid run record 1";
// Runs are forgotten when their files have long been purged.
constexpr size_t kMaxRuns = 1000;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string BootId() {
  std::string id = ReadAll("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

// Names may have any character: hexadecimal digits.
std::string Hex(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

std::string FromHex(const std::string& hex) {
  std::string text;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    text.push_back(static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16)));
  return text;
}

class RunRecord {
 public:
  void Open(bool server_is_starting) {
    std::lock_guard lock(mutex_);
    std::error_code error;
    path_ = (std::filesystem::absolute(mysql_real_data_home, error) / "rapid_run_record")
                .lexically_normal()
                .string();
    Parse(ReadAll(path_));
    // A plugin that is installed later does not know what happened before.
    if (!server_is_starting) runs_.clear();
    has_run_ = server_is_starting;
    was_clean_ = std::exchange(is_clean_, false);
    same_boot_ = boot_id_ == BootId();
    boot_id_ = BootId();
    Write();
  }

  void NoteStart() {
    std::lock_guard lock(mutex_);
    if (has_start_) return;
    has_start_ = true;
    // The first file of this run: the newest one that a start of the server began.
    if (has_run_) {
      first_file_ = FirstFileOfRun();
      runs_.insert(first_file_);
    }
    while (runs_.size() > kMaxRuns) runs_.erase(runs_.begin());
    Write();
  }

  void NoteClean() {
    std::lock_guard lock(mutex_);
    if (path_.empty()) return;
    is_clean_ = true;
    Write();
  }

  void Forget() {
    std::lock_guard lock(mutex_);
    if (path_.empty() || is_clean_) return;  // after a clean end nothing can happen any more
    runs_.clear();
    Write();
  }

  void NoteUnlogged(const TableName& name) {
    std::lock_guard lock(mutex_);
    const bool is_new = !unlogged_.contains(name);
    unlogged_[name] = ++next_mark_;
    if (is_new) Write();
  }

  uint64_t Mark(const TableName& name) {
    std::lock_guard lock(mutex_);
    const auto found = unlogged_.find(name);
    return found == unlogged_.end() ? 0 : found->second;
  }

  void Rename(const TableName& from, const TableName& to) {
    std::lock_guard lock(mutex_);
    if (!unlogged_.contains(from)) return;
    unlogged_[to] = ++next_mark_;
    Write();
  }

  void NoteLoaded(const TableName& name, uint64_t mark) {
    std::lock_guard lock(mutex_);
    const auto found = unlogged_.find(name);
    if (found == unlogged_.end() || found->second != mark) return;
    unlogged_.erase(found);
    Write();
  }

  std::string WhyNotResume(const TableName& name, wire::Position position) {
    std::lock_guard lock(mutex_);
    if (unlogged_.contains(name)) return "it was marked stale";
    const bool is_of_this_run = first_file_ != 0 && FileNumberOf(position) >= first_file_;
    if (!was_clean_ && !is_of_this_run) {
      const bool both_synchronized = sync_binlog_period == 1 && srv_flush_log_at_trx_commit == 1;
      if (!both_synchronized && (!same_boot_ || srv_flush_log_at_trx_commit == 0))
        return "the server did not end cleanly, and InnoDB or the binary log do not synchronize at "
               "each commit";
    }
    const auto file = FindLogFile(FileNumberOf(position));
    if (!file) return file.error().message;
    struct stat status {};
    if (::stat(file->name.c_str(), &status) != 0 ||
        static_cast<uint64_t>(status.st_size) < OffsetOf(position))
      return "the node is ahead of the binary log";
    return WhyOtherRuns(FileNumberOf(position));
  }

 private:
  // Every file from there on that a start of the server began must be one of our runs.
  std::string WhyOtherRuns(uint64_t first_file) {
    const uint64_t last_file = CurrentLogEnd().file.number;
    for (uint64_t number = first_file + 1; number <= last_file; ++number) {
      BinlogFiles files;
      if (auto opened = files.Open(wire::MakePosition(number, 0)); !opened)
        return opened.error().message;
      if (files.file_begins_server_run() && !runs_.contains(number))
        return "the server ran without RAPID in between";
    }
    return {};
  }

  static uint64_t FirstFileOfRun() {
    uint64_t number = CurrentLogEnd().file.number;
    for (; number != 0; --number) {
      BinlogFiles files;
      if (!files.Open(wire::MakePosition(number, 0))) break;
      if (files.file_begins_server_run()) return number;
    }
    return number;
  }

  void Parse(const std::string& text) {
    std::istringstream in(text);
    std::string line;
    if (!std::getline(in, line) || line != kHeading) return;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string key, first, second;
      words >> key >> first >> second;
      if (key == "clean") is_clean_ = first == "1";
      if (key == "boot") boot_id_ = first;
      if (key == "run") runs_.insert(std::strtoull(first.c_str(), nullptr, 10));
      if (key == "unlogged") unlogged_[{FromHex(first), FromHex(second)}] = ++next_mark_;
    }
  }

  void Write() {
    std::string text =
        std::string(kHeading) + "\nclean " + (is_clean_ ? "1" : "0") + "\nboot " + boot_id_ + "\n";
    for (const uint64_t run : runs_) text += "run " + std::to_string(run) + "\n";
    for (const auto& [name, mark] : unlogged_)
      text += "unlogged " + Hex(name.schema) + " " + Hex(name.table) + "\n";
    const std::string draft = path_ + ".new";
    const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    const bool written =
        fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!written || ::rename(draft.c_str(), path_.c_str()) != 0) {
      // Without a record nothing is used again.
      LogWarning("cannot write " + path_);
      ::unlink(path_.c_str());
    }
  }

  std::mutex mutex_;
  std::string path_, boot_id_;
  bool is_clean_ = false;                       // of the record on disk
  bool was_clean_ = false, same_boot_ = false;  // of the run before
  bool has_run_ = false, has_start_ = false;
  std::set<uint64_t> runs_;
  uint64_t first_file_ = 0;  // of this run; 0: not known
  std::map<TableName, uint64_t> unlogged_;
  uint64_t next_mark_ = 0;
};

RunRecord& TheRecord() {
  static RunRecord record;
  return record;
}

}  // namespace

void OpenRunRecord(bool server_is_starting) { TheRecord().Open(server_is_starting); }
void NoteRunStart() { TheRecord().NoteStart(); }
void NoteCleanEnd() { TheRecord().NoteClean(); }
void ForgetRuns() { TheRecord().Forget(); }
void NoteUnlogged(const TableName& name) { TheRecord().NoteUnlogged(name); }
bool IsUnlogged(const TableName& name) { return TheRecord().Mark(name) != 0; }
void RenameUnlogged(const TableName& from, const TableName& to) { TheRecord().Rename(from, to); }
uint64_t UnloggedMark(const TableName& name) { return TheRecord().Mark(name); }
void NoteLoaded(const TableName& name, uint64_t mark) { TheRecord().NoteLoaded(name, mark); }
std::string WhyNotResume(const TableName& name, wire::Position position) {
  return TheRecord().WhyNotResume(name, position);
}

}  // namespace sirocco::plugin
