#include "plugin/changes/tail.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "my_thread.h"
#include "plugin/changes/binlog_file.h"
#include "plugin/changes/delays.h"
#include "plugin/changes/event_reader.h"
#include "plugin/changes/run_record.h"
#include "plugin/node/node_connection.h"
#include "plugin/node/reload.h"
#include "plugin/server_log.h"

namespace sirocco::plugin {
namespace {

using Clock = std::chrono::steady_clock;

// How long the thread sleeps at most when the log does not grow.
constexpr int kIdleMs = 500;
// Pause before the log is followed again after it could not be.
constexpr auto kRetry = std::chrono::milliseconds(500);
// While the server starts, the log is open before its index is complete.
constexpr auto kStartRetry = std::chrono::milliseconds(20);
// How long the end of the thread may take.
constexpr auto kStopWait = std::chrono::seconds(3);
// A table that is further behind catches up in its loader's thread before it joins the stream.
constexpr uint64_t kNearBytes = 1 << 20;
// How long a table waits for the log to be followed.
constexpr auto kJoinWait = std::chrono::seconds(10);
// Changes are sent when the end of the log is reached, or when there are so many bytes of them.
constexpr size_t kBatchBytes = 4 << 20;
// A transaction larger than this is sent in pieces.
constexpr size_t kCutBytes = 16 << 20;
// Rows of prepared transactions stay in memory until their end; this many bytes of one at most.
constexpr size_t kMaxPreparedBytes = 256 << 20;

uint64_t NowUs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

using TableKey = std::pair<uint64_t, plan::TableId>;  // epoch, number

struct Entry {
  FollowedTable table;
  wire::Position last_change = 0;
  WallTime last_change_time{};
};

using Prepared = std::map<std::string, ChangeBuffer>;  // by xid

// A table that wants to join. Filled by the thread.
struct JoinRequest {
  FollowedTable table;
  Prepared prepared;  // its changes in XA transactions that have not ended
  bool is_done = false;
  Result<void> result;
};

class Tail {
 public:
  void Start() {
    stopping_ = has_ended_ = abandon_ = false;
    thread_ = std::thread([this] {
      my_thread_init();
      Loop();
      my_thread_end();
      std::lock_guard lock(mutex_);
      has_ended_ = true;
      changed_.notify_all();
    });
  }

  void Stop() {
    {
      std::unique_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    WakeLogReaders();
    if (!thread_.joinable()) return;
    {
      // It applies what is in the log; a node that does not answer is left alone.
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kStopWait, [this] { return has_ended_; });
      abandon_ = true;
      if (sending_ != nullptr) sending_->Disconnect();
    }
    thread_.join();
  }

  Result<void> Join(FollowedTable table, const std::function<bool()>& killed) {
    std::unique_lock lock(mutex_);
    const auto deadline = Clock::now() + kJoinWait;
    while (!running_) {
      if (stopping_ || Clock::now() > deadline || killed())
        return MakeError(ErrorCode::kUnavailable, "the binary log is not being read");
      changed_.wait_for(lock, std::chrono::milliseconds(20));
    }
    lock.unlock();
    // Most of what it has missed, while the stream goes on for the others.
    constexpr int kMaxPasses = 5;
    Prepared prepared;
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      const wire::Position end = applied_.load();
      if (table.start + kNearBytes >= end) break;
      ASSIGN_OR_RETURN(PooledClient client, Nodes().Acquire(table.node_epoch));
      const auto transmit = [&](wire::ChangeBatch batch) -> Result<void> {
        ASSIGN_OR_RETURN(const wire::Applied applied, client->ApplyChanges(batch));
        if (!applied.failed.empty())
          return MakeError(ErrorCode::kStale, applied.failed.front().reason);
        return {};
      };
      const auto stop = [&] { return killed() || Stopping(); };
      if (auto reached = CatchUp(table, end, transmit, stop, &prepared); !reached) {
        client->Disconnect();
        return std::unexpected(reached.error());
      } else {
        table.start = *reached;
      }
    }
    auto request = std::make_shared<JoinRequest>();
    request->table = std::move(table);
    request->prepared = std::move(prepared);
    lock.lock();
    joining_.push_back(request);
    lock.unlock();
    WakeLogReaders();
    lock.lock();
    while (!request->is_done) {
      changed_.wait_for(lock, std::chrono::milliseconds(50));
      if (request->is_done) break;
      if (killed()) {
        std::erase(joining_, request);
        return MakeError(ErrorCode::kCancelled, "killed");
      }
    }
    return request->result;
  }

  void Leave(const TableKey& key) {
    std::lock_guard lock(mutex_);
    Remove(key);
  }

  bool Follows(const TableKey& key) {
    std::lock_guard lock(mutex_);
    return followed_.contains(key);
  }

  void Rename(const TableName& from, const TableName& to) {
    const wire::Position end = CurrentLogEnd().position;
    std::lock_guard lock(mutex_);
    for (auto& [key, entry] : followed_) {
      if (entry->table.name() != from) continue;
      entry->table.names.back().until = end;
      entry->table.names.push_back({to, end, UINT64_MAX});
    }
    maps_changed_ = true;
  }

  void LeaveAll(const std::string& reason) {
    std::lock_guard lock(mutex_);
    while (!followed_.empty()) Remove(followed_.begin()->first);
    for (const auto& request : joining_) Finish(request.get(), ErrorCode::kUnavailable, reason);
    joining_.clear();
    changed_.notify_all();
  }

  void NoteReset() {
    std::lock_guard lock(mutex_);
    was_reset_ = true;
  }

  Result<void> WaitFresh(int timeout_ms, const std::function<bool()>& killed) {
    const std::shared_ptr<const LogFile> file = file_.load();
    if (file == nullptr) return {};  // nothing is followed
    // After an error the server may go on without a log; the change that met it is not in the log.
    if (!BinaryLogIsOpen()) return MakeError(ErrorCode::kStale, "the binary log was closed");
    wire::Position target = EndOfActiveLog(*file);
    if (target == 0) target = CurrentLogEnd().position;
    if (applied_.load() >= target) return {};
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock lock(mutex_);
    const uint64_t generation = generation_;
    num_waiting_.fetch_add(1);
    Result<void> result;
    while (applied_.load() < target && generation == generation_ && running_) {
      const auto now = Clock::now();
      if (now >= deadline) {
        result = MakeError(ErrorCode::kTimeout,
                           "changes of loaded tables were not applied within "
                           "rapid_freshness_timeout (" +
                               std::to_string(timeout_ms) + " ms)");
        break;
      }
      applied_changed_.wait_until(lock, std::min(deadline, now + std::chrono::milliseconds(20)));
      if (killed()) {
        result = MakeError(ErrorCode::kCancelled, "killed");
        break;
      }
    }
    num_waiting_.fetch_sub(1);
    if (result && (applied_.load() < target || generation != generation_))
      return MakeError(ErrorCode::kStale, "the binary log is not being followed");
    return result;
  }

  TailStatus Status() {
    TailStatus status;
    const std::shared_ptr<const LogFile> file = file_.load();
    status.applied = applied_.load();
    status.read = read_.load();
    if (file != nullptr) status.log_file = file->name;
    status.num_transactions = num_transactions_.load();
    status.num_rows = num_rows_.load();
    status.num_batches = num_batches_.load();
    status.median_delay_us = delays_.Percentile(0.5);
    status.high_delay_us = delays_.Percentile(0.99);
    const uint64_t oldest = oldest_commit_us_.load(), now = NowUs();
    if (oldest != 0 && now > oldest) status.lag_seconds = static_cast<double>(now - oldest) * 1e-6;
    std::lock_guard lock(mutex_);
    status.is_running = running_;
    status.no_gaps_since = no_gaps_since_;
    status.num_gaps = generation_;
    return status;
  }

  std::vector<FollowedStatus> Followed() {
    std::lock_guard lock(mutex_);
    std::vector<FollowedStatus> tables;
    for (const auto& [key, entry] : followed_)
      tables.push_back({key.second, key.first, entry->last_change, entry->last_change_time});
    return tables;
  }

 private:
  // ---- any thread, with mutex_ held

  void Remove(const TableKey& key) {
    const auto found = followed_.find(key);
    if (found == followed_.end()) return;
    left_.push_back(found->second);
    followed_.erase(found);
    maps_changed_ = true;
  }

  static void Finish(JoinRequest* request, ErrorCode code, const std::string& reason) {
    request->is_done = true;
    request->result = MakeError(code, reason);
  }

  bool Abandoned() {
    std::lock_guard lock(mutex_);
    return abandon_;
  }

  bool Stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  // ---- the thread

  void Loop() {
    while (!Stopping()) {
      if (!BinaryLogIsOpen()) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stopping_; });
        continue;
      }
      const Result<void> followed = FollowLog();
      GiveUp(followed ? "the server is shutting down" : followed.error().message,
             /*is_gap=*/!followed.has_value());
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, was_running_ ? kRetry : kStartRetry, [this] { return stopping_; });
    }
  }

  // Reads until the plugin stops or the log cannot be followed.
  Result<void> FollowLog() {
    const LogEnd end = CurrentLogEnd();
    RETURN_IF_ERROR(files_.Open(end.position));
    EventReader::Callbacks callbacks;
    callbacks.find = [this](std::string_view schema, std::string_view table, wire::Position at) {
      return Find(schema, table, at);
    };
    callbacks.fail = [this](plan::TableId table, const std::string& reason) {
      Fail({epoch_, table}, reason);
    };
    // Tables join while no prepared transaction has changed them: it would hold a metadata lock for
    // writing, also after a restart of the server. What is not known belongs to other tables.
    callbacks.unknown_xa = [](const std::string&) {};
    callbacks.decompress = DecompressTransaction;
    callbacks.begun = [this](uint64_t commit_us) {
      if (commit_us != 0) commits_us_.push_back(commit_us);
      if (oldest_commit_us_.load() == 0) oldest_commit_us_.store(commit_us);
    };
    callbacks.may_cut = [this] { return MayCut(); };
    events_.emplace(std::move(callbacks));
    NoteRunStart();
    Publish(files_.position());
    {
      std::lock_guard lock(mutex_);
      running_ = true;
      was_reset_ = false;
      no_gaps_since_ = std::chrono::system_clock::now();
    }
    LogEvent(files_.file());
    LoggedEvent event;
    for (;;) {
      if (events_->at_boundary()) {
        RETURN_IF_ERROR(Housekeeping());
        if (Abandoned()) return {};
      }
      ASSIGN_OR_RETURN(const BinlogFiles::Step step, files_.Next(&event));
      if (step == BinlogFiles::Step::kEnd) {
        if (!BinaryLogIsOpen() && !Stopping())
          return MakeError(ErrorCode::kStale, "the binary log was closed");
        if (events_->at_boundary()) {
          RETURN_IF_ERROR(Send());
          if (FileNumberOf(applied_.load()) != files_.file().number)
            RETURN_IF_ERROR(SendPositions());
          Publish(files_.position());
        }
        if (Stopping()) return SendPositions();
        files_.WaitForMore(HasRequests() ? 0 : kIdleMs);
        continue;
      }
      group_end_ = event.end;
      RETURN_IF_ERROR(events_->Read(event));
      read_.store(event.end);
      if (events_->TakeRolledBackCut()) DropConnection();
      if (events_->at_boundary() && events_->changes().size_bytes() >= kBatchBytes) {
        RETURN_IF_ERROR(Send());
        Publish(event.end);
      }
    }
  }

  void LogEvent(const LogFile& file) {
    LogNote("changes are read from the binary log " + file.name + " on");
  }

  bool HasRequests() {
    std::lock_guard lock(mutex_);
    return !joining_.empty() || stopping_;
  }

  // Between groups: tables that left, names that changed, tables that join.
  Result<void> Housekeeping() {
    std::vector<std::shared_ptr<JoinRequest>> joining;
    std::vector<std::shared_ptr<Entry>> left;
    bool maps_changed = false;
    {
      std::lock_guard lock(mutex_);
      if (was_reset_) return MakeError(ErrorCode::kStale, "the binary log was reset");
      joining.swap(joining_);
      left.swap(left_);
      maps_changed = std::exchange(maps_changed_, false);
    }
    for (const auto& entry : left) events_->Forget(entry->table.node_table);
    if (maps_changed) events_->Refresh();
    left.clear();
    for (const auto& request : joining) {
      Result<void> joined = Admit(request->table, &request->prepared);
      std::lock_guard lock(mutex_);
      request->result = std::move(joined);
      request->is_done = true;
    }
    if (joining.empty()) return {};
    changed_.notify_all();
    // The next group may be of a table that has just joined: what is known of table maps would leave
    // it out.
    events_->Refresh();
    return {};
  }

  Result<void> Admit(FollowedTable table, Prepared* prepared) {
    if (table.node_epoch != epoch_) {
      // Another life of the node: its connection is of no use, and tables of the old life are gone.
      RETURN_IF_ERROR(Send());
      DropConnection();
      std::lock_guard lock(mutex_);
      std::erase_if(followed_, [&](const auto& item) {
        if (item.first.first == table.node_epoch) return false;
        left_.push_back(item.second);
        return true;
      });
      epoch_ = table.node_epoch;
    }
    if (table.start < files_.position()) {
      RETURN_IF_ERROR(Send());
      const auto transmit = [&](wire::ChangeBatch batch) -> Result<void> {
        std::vector<wire::FailedTable> failed;
        RETURN_IF_ERROR(Transmit(std::move(batch), &failed));
        if (!failed.empty()) return MakeError(ErrorCode::kStale, failed.front().reason);
        return {};
      };
      auto reached = CatchUp(
          table, files_.position(), transmit, [this] { return Stopping(); }, prepared);
      if (!reached) {
        DropConnection();  // it may have parts of a transaction
        return std::unexpected(reached.error());
      }
      table.start = *reached;
    }
    for (auto& [xid, changes] : *prepared) events_->prepared()[xid].Take(&changes);
    std::lock_guard lock(mutex_);
    auto entry = std::make_shared<Entry>();
    entry->table = table;
    entry->last_change = table.start;
    followed_[{table.node_epoch, table.node_table}] = std::move(entry);
    maps_changed_ = true;
    return {};
  }

  // Reads the log once more for one table, from its start to `end`; returns how far it got.
  // `prepared` are the table's changes in XA transactions that have not ended, before and after.
  // Threads: any.
  static Result<wire::Position> CatchUp(
      const FollowedTable& table, wire::Position end,
      const std::function<Result<void>(wire::ChangeBatch)>& transmit,
      const std::function<bool()>& stop, Prepared* prepared) {
    BinlogFiles files;
    RETURN_IF_ERROR(files.Open(table.start));
    Result<void> failed;
    bool has_parts = false;
    LoggedEvent event;
    EventReader* reader = nullptr;
    const auto send = [&](bool last) -> Result<void> {
      if (reader->changes().empty() && !(last && has_parts)) return {};
      RETURN_IF_ERROR(transmit(reader->changes().Encode(event.end, last)));
      has_parts = !last;
      reader->changes().Clear();
      return {};
    };
    EventReader::Callbacks callbacks;
    callbacks.find = [&](std::string_view schema, std::string_view name,
                         wire::Position at) -> std::vector<const FollowedTable*> {
      if (Matches(table, schema, name, at)) return {&table};
      return {};
    };
    callbacks.fail = [&](plan::TableId, const std::string& reason) {
      failed = MakeError(ErrorCode::kStale, reason);
    };
    callbacks.unknown_xa = [&](const std::string& xid) {
      if (table.is_resumed)
        failed = MakeError(ErrorCode::kStale, "XA transaction prepared before: " + xid);
    };
    callbacks.decompress = DecompressTransaction;
    callbacks.may_cut = [&]() -> Result<void> {
      if (reader->changes().size_bytes() < kCutBytes) return {};
      RETURN_IF_ERROR(send(/*last=*/false));
      reader->MarkCut();
      return {};
    };
    EventReader events(std::move(callbacks));
    events.prepared().swap(*prepared);
    reader = &events;
    while (files.position() < end) {
      if (stop()) return MakeError(ErrorCode::kCancelled, "killed");
      ASSIGN_OR_RETURN(const BinlogFiles::Step step, files.Next(&event));
      if (step == BinlogFiles::Step::kEnd) break;
      RETURN_IF_ERROR(events.Read(event));
      RETURN_IF_ERROR(failed);
      if (events.TakeRolledBackCut())
        return MakeError(ErrorCode::kStale, "a large transaction was rolled back in the log");
      if (events.at_boundary() && events.changes().size_bytes() >= kBatchBytes)
        RETURN_IF_ERROR(send(/*last=*/true));
    }
    RETURN_IF_ERROR(send(/*last=*/true));
    prepared->swap(events.prepared());
    return files.position();
  }

  static bool Matches(const FollowedTable& table, std::string_view schema, std::string_view name,
                      wire::Position at) {
    for (const NameSpan& span : table.names)
      if (at >= span.from && at < span.until && span.name.schema == schema &&
          span.name.table == name)
        return true;
    return false;
  }

  std::vector<const FollowedTable*> Find(std::string_view schema, std::string_view table,
                                         wire::Position at) {
    std::lock_guard lock(mutex_);
    std::vector<const FollowedTable*> found;
    for (const auto& [key, entry] : followed_)
      if (Matches(entry->table, schema, table, at)) found.push_back(&entry->table);
    return found;
  }

  Result<void> MayCut() {
    if (events_->changes().size_bytes() < kCutBytes) return {};
    RETURN_IF_ERROR(SendPart(/*last=*/false));
    events_->MarkCut();
    return {};
  }

  Result<void> Send() { return SendPart(/*last=*/true); }

  // Sends what is buffered. A failure takes the tables concerned out of the stream; an error means
  // that the stream itself cannot go on.
  Result<void> SendPart(bool last) {
    ChangeBuffer& changes = events_->changes();
    if (changes.empty() && !(last && cut_sent_)) {
      changes.Clear();
      if (last) CountCommits(false);
      return {};
    }
    const std::vector<plan::TableId> tables = changes.Tables();
    const uint64_t num_rows = changes.num_rows();
    wire::ChangeBatch batch = changes.Encode(group_end_, last);
    changes.Clear();
    std::vector<wire::FailedTable> failed;
    if (auto sent = Transmit(std::move(batch), &failed); !sent) {
      cut_sent_ = false;
      // What the node did with it is not known: everything it holds is in doubt.
      FailAll("changes could not be applied: " + sent.error().message);
      return {};
    }
    for (const wire::FailedTable& table : failed)
      Fail({epoch_, table.table}, "changes could not be applied: " + table.reason);
    cut_sent_ = !last;
    num_rows_.fetch_add(num_rows);
    num_batches_.fetch_add(1);
    if (last) CountCommits(true);
    const WallTime now = std::chrono::system_clock::now();
    std::lock_guard lock(mutex_);
    for (const plan::TableId table : tables) {
      if (const auto found = followed_.find({epoch_, table}); found != followed_.end()) {
        found->second->last_change = group_end_;
        found->second->last_change_time = now;
      }
    }
    return {};
  }

  // One request to the node; adds the tables that it gave up.
  Result<void> Transmit(wire::ChangeBatch batch, std::vector<wire::FailedTable>* failed) {
    if (!client_) {
      ASSIGN_OR_RETURN(PooledClient client, Nodes().Acquire(epoch_));
      client_.emplace(std::move(client));
    }
    {
      std::lock_guard lock(mutex_);
      if (abandon_) return MakeError(ErrorCode::kCancelled, "the server is shutting down");
      sending_ = client_->operator->();
    }
    Result<wire::Applied> applied = (*client_)->ApplyChanges(batch);
    {
      std::lock_guard lock(mutex_);
      sending_ = nullptr;
    }
    if (!applied) {
      Nodes().NoteFailure(*client_);
      DropConnection();
      return std::unexpected(applied.error());
    }
    *failed = std::move(applied->failed);
    return {};
  }

  // Tells the node that all tables stand where the stream stands, so that what it keeps of them on
  // disk does not need old files of the log.
  Result<void> SendPositions() {
    if (cut_sent_) return {};
    wire::ChangeBatch batch;
    batch.end_position = files_.position();
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, entry] : followed_) {
        wire::ChangeSection& section = batch.sections.emplace_back();
        section.table = key.second;
        std::vector<plan::Lane> lanes;
        for (uint32_t i = 0; i < entry->table.schema->columns.size(); ++i) {
          section.after.columns.push_back(i);
          lanes.push_back(plan::LaneOf(entry->table.schema->columns[i].type));
        }
        section.after.batch = wire::ColumnBatchBuilder(lanes).Encode();
      }
    }
    if (batch.sections.empty()) return {};
    std::vector<wire::FailedTable> failed;
    if (auto sent = Transmit(std::move(batch), &failed); !sent) {
      FailAll("changes could not be applied: " + sent.error().message);
      return {};
    }
    for (const wire::FailedTable& table : failed)
      Fail({epoch_, table.table}, "changes could not be applied: " + table.reason);
    return {};
  }

  void DropConnection() {
    if (client_) (*client_)->Disconnect();
    client_.reset();
    cut_sent_ = false;
  }

  void CountCommits(bool sent) {
    const uint64_t now = NowUs();
    if (sent)
      for (const uint64_t commit : commits_us_) delays_.Add(now > commit ? now - commit : 0);
    num_transactions_.fetch_add(commits_us_.size());
    commits_us_.clear();
    oldest_commit_us_.store(0);
  }

  // The stream stands here now, and so do all followed tables.
  void Publish(wire::Position position) {
    const auto known = file_.load();
    if (known == nullptr || known->number != files_.file().number)
      file_.store(std::make_shared<const LogFile>(files_.file()));
    read_.store(position);
    if (applied_.exchange(position) == position) return;
    if (num_waiting_.load() == 0) return;
    std::lock_guard lock(mutex_);
    applied_changed_.notify_all();
  }

  // Takes a table out of the stream for good.
  void Fail(const TableKey& key, const std::string& reason, bool journal = true) {
    TableName name;
    {
      std::lock_guard lock(mutex_);
      const auto found = followed_.find(key);
      if (found == followed_.end()) return;
      name = found->second->table.name();
      Remove(key);
    }
    if (journal) NoteUnlogged(name);
    Registry().MarkStale(name, reason, key.second);
    if (!journal) return;
    LogWarning("table " + name.Text() + " does not follow the binary log any more: " + reason);
    RequestReload();
  }

  void FailAll(const std::string& reason) {
    std::vector<TableKey> all;
    {
      std::lock_guard lock(mutex_);
      for (const auto& [key, entry] : followed_) all.push_back(key);
    }
    for (const TableKey& key : all) Fail(key, reason);
  }

  // The log cannot be followed: every table is in doubt.
  void GiveUp(const std::string& reason, bool is_gap) {
    std::vector<TableKey> all;
    {
      std::lock_guard lock(mutex_);
      was_running_ = std::exchange(running_, false);
      if (was_running_) ++generation_;
      for (const auto& [key, entry] : followed_) all.push_back(key);
      for (const auto& request : joining_) Finish(request.get(), ErrorCode::kUnavailable, reason);
      joining_.clear();
    }
    if (is_gap && was_running_) LogWarning("the binary log cannot be followed: " + reason);
    for (const TableKey& key : all) Fail(key, reason, /*journal=*/is_gap);
    DropConnection();
    events_.reset();
    applied_.store(0);
    file_.store(nullptr);
    commits_us_.clear();
    {
      std::lock_guard lock(mutex_);
      left_.clear();
    }
    changed_.notify_all();
    applied_changed_.notify_all();
  }

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_, applied_changed_;
  bool stopping_ = false, abandon_ = false, has_ended_ = false;
  bool running_ = false, was_running_ = false, was_reset_ = false, maps_changed_ = false;
  uint64_t generation_ = 0;
  WallTime no_gaps_since_{};
  std::map<TableKey, std::shared_ptr<Entry>> followed_;
  // Tables taken out; the event reader may still point at them until the next boundary.
  std::vector<std::shared_ptr<Entry>> left_;
  std::vector<std::shared_ptr<JoinRequest>> joining_;
  wire::NodeClient* sending_ = nullptr;  // the request under way

  std::atomic<wire::Position> applied_{0}, read_{0};
  std::atomic<std::shared_ptr<const LogFile>> file_{nullptr};
  std::atomic<int> num_waiting_{0};
  std::atomic<uint64_t> num_transactions_{0}, num_rows_{0}, num_batches_{0};
  std::atomic<uint64_t> oldest_commit_us_{0};
  Delays delays_;

  // The thread's own.
  BinlogFiles files_;
  std::optional<EventReader> events_;
  std::optional<PooledClient> client_;
  uint64_t epoch_ = 0;  // of the node that the tables live on
  wire::Position group_end_ = 0;
  bool cut_sent_ = false;  // the node has parts of a transaction without its end
  std::vector<uint64_t> commits_us_;
};

Tail& TheTail() {
  static Tail tail;
  return tail;
}

}  // namespace

void StartTail() { TheTail().Start(); }
void StopTail() { TheTail().Stop(); }
Result<void> Follow(FollowedTable table, const std::function<bool()>& killed) {
  return TheTail().Join(std::move(table), killed);
}
void Unfollow(plan::TableId node_table, uint64_t node_epoch) {
  TheTail().Leave({node_epoch, node_table});
}
bool IsFollowed(plan::TableId node_table, uint64_t node_epoch) {
  return TheTail().Follows({node_epoch, node_table});
}
void RenameFollowed(const TableName& from, const TableName& to) { TheTail().Rename(from, to); }
void UnfollowAll(const std::string& reason) { TheTail().LeaveAll(reason); }
void NoteLogReset() { TheTail().NoteReset(); }
Result<void> WaitUntilFresh(int timeout_ms, const std::function<bool()>& killed) {
  return TheTail().WaitFresh(timeout_ms, killed);
}
TailStatus GetTailStatus() { return TheTail().Status(); }
std::vector<FollowedStatus> FollowedTables() { return TheTail().Followed(); }

}  // namespace sirocco::plugin
