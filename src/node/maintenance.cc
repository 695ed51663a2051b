#include "node/maintenance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <vector>

#include "common/bytes.h"
#include "engine/storage/snapshot_file.h"
#include "node/clock.h"
#include "node/log.h"

namespace sirocco::node {

namespace {

using engine::SnapshotFile;
using engine::TableStore;

constexpr std::chrono::milliseconds kTick{250};
// A table without commits for this long is at rest.
constexpr uint64_t kRestUs = 2'000'000;
// Recent rows and new dictionary values that a table under change gathers before they are merged.
constexpr uint64_t kManyRecentRows = engine::kChunkRows;
constexpr uint32_t kManyNewValues = 4096;
constexpr uint32_t kMaxStepsPerTick = 64;
// A table under change is written again after this, and not before twenty times of what writing it
// takes.
constexpr uint64_t kCheckpointEveryUs = 60'000'000;
constexpr uint64_t kCheckpointShare = 20;
constexpr uint64_t kPositionEveryUs = 5'000'000;
constexpr uint64_t kRetryUs = 30'000'000;
// The former process may still be on its way out.
constexpr int kLockTries = 100;

constexpr char kTableSuffix[] = ".table", kPositionSuffix[] = ".position";

std::string NameOf(const wire::LoadedTable& info) {
  return info.schema.schema_name + "." + info.schema.table_name;
}

}  // namespace

std::string Maintenance::PathOf(uint64_t identity, const char* suffix) const {
  char name[32];
  std::snprintf(name, sizeof(name), "/%016llx", static_cast<unsigned long long>(identity));
  return folder_ + name + suffix;
}

void Maintenance::Forget(uint64_t identity) {
  if (folder_.empty()) return;
  ::unlink(PathOf(identity, kTableSuffix).c_str());
  ::unlink(PathOf(identity, kPositionSuffix).c_str());
}

Result<void> Maintenance::OpenFolder() {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  const std::string lock = folder_ + "/lock";
  lock_fd_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0)
    return MakeError(ErrorCode::kIo,
                     "cannot use the checkpoint folder " + folder_ + ": " + std::strerror(errno));
  for (int i = 0; ::flock(lock_fd_, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kLockTries)
      return MakeError(ErrorCode::kAlreadyExists,
                       "another process uses the checkpoint folder " + folder_);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return {};
}

Result<void> Maintenance::Open() {
  if (!folder_.empty()) {
    RETURN_IF_ERROR(OpenFolder());
    RestoreTables();
  }
  thread_ = std::thread([this] { Run(); });
  return {};
}

void Maintenance::Stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (lock_fd_ >= 0) ::close(lock_fd_);
  lock_fd_ = -1;
}

// --- Start

void Maintenance::RestoreTables() {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string path = entry.path().string();
    if (path.ends_with(kTableSuffix)) {
      files.push_back(path);
    } else if (path.ends_with(".tmp")) {
      ::unlink(path.c_str());
    }
  }
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < files.size(); i = next++) {
      Result<void> restored;
      try {
        restored = RestoreTable(files[i]);
      } catch (const std::bad_alloc&) {
        restored = MakeError(ErrorCode::kOutOfMemory, "the node's system memory is exhausted");
      }
      if (restored) continue;
      LogWarning("checkpoint " + files[i] + " is not used: " + restored.error().ToString());
      // It would only be older the next time.
      ::unlink(files[i].c_str());
    }
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min<size_t>(num_threads_, files.size()); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

Result<void> Maintenance::RestoreTable(const std::string& file) {
  const uint64_t started = NowMicros();
  const std::string stem = std::filesystem::path(file).stem().string();
  uint64_t identity = 0;
  if (stem.size() != 16 || stem.find_first_not_of("0123456789abcdef") != std::string::npos)
    return MakeError(ErrorCode::kCorrupt, "the file has a wrong name");
  identity = std::strtoull(stem.c_str(), nullptr, 16);
  auto pool = catalogue_->NewTablePool(stem);
  ASSIGN_OR_RETURN(SnapshotFile::Content content, SnapshotFile::Read(file, pool));
  ByteReader in(content.label);
  ASSIGN_OR_RETURN(wire::LoadedTable info, wire::DecodeLoadedTable(&in));
  if (!in.ok() || !in.AtEnd()) return MakeError(ErrorCode::kCorrupt, "damaged description");
  State state;
  state.has_checkpoint = true;
  state.checksum = content.checksum;
  state.checkpoint_at_us = state.position_at_us = started;
  if (const auto bytes = engine::ReadSmallFile(PathOf(identity, kPositionSuffix))) {
    ByteReader position(*bytes);
    const auto checksum = position.Get<uint64_t>(), value = position.Get<uint64_t>();
    if (position.ok() && checksum == content.checksum)
      info.position = std::max(info.position, value);
  }
  state.position = info.position;
  const std::string name = NameOf(info);
  const uint64_t num_rows = content.snapshot->num_rows(), position = info.position;
  catalogue_->Restore(std::move(info), std::move(content.snapshot), std::move(pool), identity);
  {
    std::lock_guard lock(states_mutex_);
    states_[identity] = state;
  }
  LogNote("table " + name + " is back from its checkpoint: " + std::to_string(num_rows) +
          " rows as of position " + std::to_string(position) + ", " +
          std::to_string((NowMicros() - started) / 1000) + " ms");
  return {};
}

// --- The thread

void Maintenance::Run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
  while (!stop_) {
    const std::vector<Catalogue::LiveTable> tables = catalogue_->LiveTables();
    for (const Catalogue::LiveTable& table : tables) {
      if (stop_) return;
      Tend(table, &states_[table.identity]);
    }
    std::erase_if(states_, [&](const auto& state) {
      return std::none_of(tables.begin(), tables.end(), [&](const Catalogue::LiveTable& table) {
        return table.identity == state.first;
      });
    });
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kTick, [&] { return stop_.load(); });
  }
}

void Maintenance::Tend(const Catalogue::LiveTable& table, State* state) {
  const uint64_t now = NowMicros();
  const uint64_t version = table.store->version();
  if (version != state->seen_version) {
    state->seen_version = version;
    state->changed_at_us = now;
  }
  if (now < state->retry_at_us) return;
  const bool at_rest = now - state->changed_at_us >= kRestUs;
  Result<void> done;
  try {
    if (state->tidy_version != version) {
      done = Merge(table.store.get(), at_rest);
      if (done && at_rest) state->tidy_version = version;
    }
    if (done && !folder_.empty()) {
      const bool is_stale = !state->has_checkpoint || state->checkpoint_version != version;
      const bool is_due = !state->has_checkpoint || at_rest ||
                          now - state->checkpoint_at_us >=
                              std::max(kCheckpointEveryUs, kCheckpointShare * state->checkpoint_us);
      if (is_stale && is_due) {
        done = WriteCheckpoint(table, state);
      } else if (!is_stale && table.position != state->position &&
                 now - state->position_at_us >= kPositionEveryUs) {
        done = WritePosition(table, state);
      }
    }
  } catch (const std::bad_alloc&) {
    done = MakeError(ErrorCode::kOutOfMemory, "the node's system memory is exhausted");
  }
  if (done || done.error().code == ErrorCode::kCancelled) return;
  LogWarning("table " + std::to_string(table.id) + ": " + done.error().ToString());
  state->retry_at_us = NowMicros() + kRetryUs;
}

Result<void> Maintenance::Merge(TableStore* table, bool at_rest) {
  for (uint32_t step = 0; step < kMaxStepsPerTick && !stop_; ++step) {
    ASSIGN_OR_RETURN(const TableStore::Merged merged,
                     table->MergeRows(at_rest ? 1 : kManyRecentRows));
    if (merged == TableStore::Merged::kDone) continue;
    ASSIGN_OR_RETURN(const TableStore::Merged sorted,
                     table->SortDictionary(at_rest ? 1 : kManyNewValues));
    if (sorted != TableStore::Merged::kDone) return {};
  }
  return {};
}

Result<void> Maintenance::WriteCheckpoint(const Catalogue::LiveTable& table, State* state) {
  const uint64_t started = NowMicros();
  const auto pinned = catalogue_->PinTable(table.id);
  if (!pinned) return {};
  ASSIGN_OR_RETURN(const engine::SnapshotPtr snapshot, pinned->store->Open(*pinned->view));
  wire::LoadedTable info = pinned->info;
  info.statistics = snapshot->statistics();
  ByteWriter label;
  wire::EncodeLoadedTable(info, &label);
  const std::string path = PathOf(table.identity, kTableSuffix);
  ASSIGN_OR_RETURN(state->checksum, SnapshotFile::Write(*snapshot, label.bytes(), path, &stop_));
  if (!catalogue_->PinTable(table.id)) {
    Forget(table.identity);  // dropped meanwhile
    return {};
  }
  const uint64_t ended = NowMicros();
  state->has_checkpoint = true;
  state->checkpoint_version = pinned->version;
  state->checkpoint_at_us = state->position_at_us = ended;
  state->checkpoint_us = ended - started;
  state->position = info.position;
  LogNote("checkpoint of " + NameOf(info) + ": " + std::to_string(snapshot->num_rows()) +
          " rows as of position " + std::to_string(info.position) + ", " +
          std::to_string((ended - started) / 1000) + " ms");
  return {};
}

Result<void> Maintenance::WritePosition(const Catalogue::LiveTable& table, State* state) {
  // The version and the position of one moment.
  const auto pinned = catalogue_->PinTable(table.id);
  if (!pinned || pinned->version != state->checkpoint_version) return {};
  ByteWriter bytes;
  bytes.Put(state->checksum);
  bytes.Put(pinned->info.position);
  RETURN_IF_ERROR(engine::WriteSmallFile(PathOf(table.identity, kPositionSuffix), bytes.bytes()));
  state->position = pinned->info.position;
  state->position_at_us = NowMicros();
  if (!catalogue_->PinTable(table.id)) Forget(table.identity);
  return {};
}

}  // namespace sirocco::node
