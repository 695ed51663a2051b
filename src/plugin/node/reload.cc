#include "plugin/node/reload.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "my_thread.h"
#include "plugin/node/internal_session.h"
#include "plugin/node/node_connection.h"
#include "plugin/registry.h"
#include "plugin/server_log.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

// How long to wait before trying again tables that could not be loaded.
constexpr auto kRetryInterval = std::chrono::seconds(30);

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
      bool all_loaded = true;
      {
        std::lock_guard lock(mutex_);
        requested_ = false;
      }
      if (Nodes().Available()) all_loaded = ReloadTables();
      std::unique_lock lock(mutex_);
      const auto ready = [this] { return stopping_ || requested_; };
      if (all_loaded)
        wake_.wait(lock, ready);
      else
        wake_.wait_for(lock, kRetryInterval, ready);
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

  // True if nothing is left to do.
  bool ReloadTables() {
    Result<InternalSession> session = InternalSession::Open();
    if (!session) return false;
    session_ = session->thd();
    const bool done = ReloadTablesIn(&*session);
    std::lock_guard lock(mutex_);  // Stop must not touch a session that is being closed
    session_ = nullptr;
    return done;
  }

  bool ReloadTablesIn(InternalSession* session) {
    Result<std::map<TableName, std::string>> wanted = LoadedAccordingToDictionary(session);
    if (!wanted) {
      LogWarning("cannot list the tables to load: " + wanted.error().message);
      return false;
    }
    bool all_loaded = true;
    for (const auto& [name, partitions] : *wanted) {
      if (Stopping()) return true;
      const auto known = Registry().Find(name);
      if (known && known->state != TableState::kInRecovery &&
          known->state != TableState::kUnavailable)
        continue;
      if (!Nodes().Available()) return false;
      const std::string statement = "ALTER TABLE " + QuoteName(name.schema) + "." +
                                    QuoteName(name.table) + " SECONDARY_LOAD" + partitions;
      if (auto loaded = session->Run(statement); !loaded) {
        all_loaded = false;
        LogWarning("table " + name.Text() +
                   " could not be loaded again: " + loaded.error().message);
      } else {
        LogNote("table " + name.Text() + " is loaded again");
      }
    }
    return all_loaded;
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
