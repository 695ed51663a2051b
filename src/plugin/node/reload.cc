#include "plugin/node/reload.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "my_thread.h"
#include "mysqld_error.h"
#include "plugin/changes/adoption.h"
#include "plugin/node/internal_session.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/server_log.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

using Clock = std::chrono::steady_clock;

// Pauses before a table is tried again that could not be loaded.
constexpr auto kFirstRetry = std::chrono::milliseconds(500);
constexpr auto kLastRetry = std::chrono::seconds(30);
// A table that is stale again soon after its load waits before the next one, so that loads take a
// quarter of the time at most.
constexpr int kPausePerLoad = 3;
constexpr auto kLongestPause = std::chrono::minutes(5);

// When a table may be loaded next.
struct Schedule {
  Clock::time_point next{};
  Clock::duration retry = kFirstRetry;

  void NoteSuccess(Clock::time_point begin) {
    const auto end = Clock::now();
    retry = kFirstRetry;
    next = end + std::min<Clock::duration>(kLongestPause, (end - begin) * kPausePerLoad);
  }
  void NoteFailure() {
    next = Clock::now() + retry;
    retry = std::min<Clock::duration>(kLastRetry, retry * 2);
  }
};

class Reloader {
 public:
  void Start(void* plugin) {
    stopping_ = false;
    requested_ = true;
    thread_ = std::thread([this, plugin] {
      my_thread_init();
      Loop(plugin);
      my_thread_end();
    });
  }

  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      if (THD* thd = session_.load(); thd != nullptr) {
        mysql_mutex_lock(&thd->LOCK_thd_data);
        thd->awake(THD::KILL_QUERY);
        mysql_mutex_unlock(&thd->LOCK_thd_data);
      }
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void Request() {
    {
      std::lock_guard lock(mutex_);
      requested_ = true;
    }
    wake_.notify_all();
  }

  bool IsSession(const THD* thd) const { return thd == session_.load(); }

 private:
  bool Stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  void Loop(void* plugin) {
    // At boot plugins start long before the server can run statements.
    while (!ServerAcceptsSessions() || !Nodes().Available())
      if (Wait(std::chrono::milliseconds(50))) return;
    if (!InitSessionThread(plugin)) {
      LogError("tables are not loaded again: no session thread");
      return;
    }
    for (;;) {
      Clock::time_point next = Clock::time_point::max();
      {
        std::lock_guard lock(mutex_);
        requested_ = false;
      }
      if (Nodes().Available()) next = ReloadTables();
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return stopping_ || requested_; };
      if (next == Clock::time_point::max())
        wake_.wait(lock, ready);
      else
        wake_.wait_until(lock, next, ready);
      if (stopping_) break;
    }
    EndSessionThread();
  }

  // Sleeps; true: stopping.
  bool Wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, time, [this] { return stopping_; });
    return stopping_;
  }

  // Returns when to look again; max(): when asked to.
  Clock::time_point ReloadTables() {
    Result<InternalSession> session = InternalSession::Open();
    if (!session) return Clock::now() + kLastRetry;
    session_ = session->thd();
    const Clock::time_point next = ReloadTablesIn(&*session);
    std::lock_guard lock(mutex_);  // Stop must not touch a session that is being closed
    session_ = nullptr;
    return next;
  }

  Clock::time_point ReloadTablesIn(InternalSession* session) {
    // A load waits for writers, and new writers wait behind it: not for long.
    if (auto set = session->Run("SET SESSION lock_wait_timeout = 1"); !set)
      return Clock::now() + kLastRetry;
    Result<std::map<TableName, std::string>> wanted = LoadedAccordingToDictionary(session);
    if (!wanted) {
      LogWarning("cannot list the tables to load: " + wanted.error().message);
      return Clock::now() + kLastRetry;
    }
    std::erase_if(schedule_, [&](const auto& item) { return !wanted->contains(item.first); });
    Clock::time_point next = Clock::time_point::max();
    for (const auto& [name, partitions] : *wanted) {
      if (Stopping()) return next;
      const auto known = Registry().Find(name);
      if (known && (known->load_running || known->state == TableState::kAvailable ||
                    known->state == TableState::kLoading))
        continue;
      if (!Nodes().Available()) return Clock::now() + kFirstRetry;
      Schedule& schedule = schedule_[name];
      if (Clock::now() < schedule.next) {
        next = std::min(next, schedule.next);
        continue;
      }
      const std::string statement = "ALTER TABLE " + QuoteName(name.schema) + "." +
                                    QuoteName(name.table) + " SECONDARY_LOAD" + partitions;
      const auto begin = Clock::now();
      if (auto loaded = session->Run(statement); !loaded) {
        schedule.NoteFailure();
        next = std::min(next, schedule.next);
        // Dropped or renamed since the dictionary was read.
        if (loaded.error().mysql_errno == ER_NO_SUCH_TABLE ||
            loaded.error().mysql_errno == ER_BAD_DB_ERROR)
          continue;
        LogWarning("table " + name.Text() +
                   " could not be loaded again: " + loaded.error().message);
      } else {
        schedule.NoteSuccess(begin);
        LogNote("table " + name.Text() + " is loaded again");
      }
    }
    if (next == Clock::time_point::max()) DropUnusedData();
    return next;
  }

  // Tables with secondary_load=1 and the clause for those of which only some partitions are loaded.
  Result<std::map<TableName, std::string>> LoadedAccordingToDictionary(InternalSession* session) {
    ASSIGN_OR_RETURN(const auto tables,
                     session->Run("SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES "
                                  "WHERE CREATE_OPTIONS LIKE '%SECONDARY_ENGINE=\"rapid\"%' AND "
                                  "CREATE_OPTIONS LIKE '%SECONDARY_LOAD=\"1\"%'"));
    std::map<TableName, std::string> wanted;
    for (const SqlRow& row : tables)
      if (row.size() == 2 && row[0] && row[1]) wanted.emplace(TableName{*row[0], *row[1]}, "");
    ASSIGN_OR_RETURN(const auto partitions,
                     session->Run("SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(SUBPARTITION_NAME, "
                                  "PARTITION_NAME), SECONDARY_LOAD "
                                  "FROM information_schema.PARTITIONS WHERE SECONDARY_LOAD IS NOT "
                                  "NULL AND PARTITION_NAME IS NOT NULL"));
    std::map<TableName, std::pair<std::string, bool>> loaded_parts;  // list, whether any is missing
    for (const SqlRow& row : partitions) {
      if (row.size() != 4 || !row[0] || !row[1] || !row[2] || !row[3]) continue;
      auto& [list, missing] = loaded_parts[{*row[0], *row[1]}];
      if (*row[3] == "1")
        list += (list.empty() ? "" : ", ") + QuoteName(*row[2]);
      else
        missing = true;
    }
    for (const auto& [name, parts] : loaded_parts)
      if (const auto found = wanted.find(name);
          found != wanted.end() && parts.second && !parts.first.empty())
        found->second = " PARTITION (" + parts.first + ")";
    return wanted;
  }

  std::thread thread_;
  std::map<TableName, Schedule> schedule_;  // the thread's own
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, requested_ = false;
  std::atomic<THD*> session_{nullptr};
};

Reloader& TheReloader() {
  static Reloader reloader;
  return reloader;
}

}  // namespace

void StartReloader(void* plugin) { TheReloader().Start(plugin); }
void StopReloader() { TheReloader().Stop(); }
void RequestReload() { TheReloader().Request(); }
bool IsReloadSession(const THD* thd) { return TheReloader().IsSession(thd); }

}  // namespace sirocco::plugin
