// Brings the routines of sql/ml/routines.sql into schema sys: once per system and again when the
// text has changed or somebody (an upgrade of the server, for one) has removed them.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "my_thread.h"
#include "plugin/node/internal_session.h"
#include "plugin/routines/routines.h"
#include "plugin/routines/routines_sql.h"
#include "plugin/server_log.h"

namespace sirocco::plugin {
namespace {

constexpr auto kPollInterval = std::chrono::milliseconds(20);
constexpr auto kRetryInterval = std::chrono::seconds(10);
constexpr std::string_view kVersionMark = "@VERSION@";
// What a version in a comment begins with, so that a user's own routine is told from ours.
constexpr std::string_view kVersionPrefix = "Sirocco ";

struct Routine {
  std::string kind;  // PROCEDURE or FUNCTION
  std::string name;  // without schema
  std::string statement;
  std::string version;
};

// FNV-1a: stable over builds, which std::hash is not.
std::string Fingerprint(std::string_view text) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

std::vector<Routine> Routines() {
  std::vector<Routine> routines;
  std::string_view text = kRoutinesSql;
  while (!text.empty()) {
    const size_t end = text.find("\n$$\n");
    std::string_view statement = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 4);
    const size_t begin = statement.find("CREATE ");
    if (begin == std::string_view::npos) continue;
    statement.remove_prefix(begin);
    Routine routine;
    const size_t name = statement.find(" sys.");
    const size_t kind = statement.rfind(' ', name - 1);
    routine.kind = statement.substr(kind + 1, name - kind - 1);
    routine.name = statement.substr(name + 5, statement.find(' ', name + 5) - name - 5);
    routine.version = std::string(kVersionPrefix) + Fingerprint(statement);
    routine.statement = statement;
    routine.statement.replace(routine.statement.find(kVersionMark), kVersionMark.size(),
                              routine.version);
    routines.push_back(std::move(routine));
  }
  return routines;
}

class Installer {
 public:
  void Start(void* plugin) {
    stopping_ = false;
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
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  bool installed() const { return installed_; }

 private:
  void Loop(void* plugin) {
    while (!ServerAcceptsSessions())
      if (Wait(kPollInterval)) return;
    if (!InitSessionThread(plugin)) {
      LogError("the routines of sys are not installed: no session thread");
      return;
    }
    std::string last_error;
    for (;;) {
      Result<int> changed = Install();
      if (changed) {
        if (*changed > 0)
          LogNote("installed " + std::to_string(*changed) + " machine-learning routines in sys");
        installed_ = true;
        break;
      }
      if (changed.error().message != last_error)
        LogWarning("the routines of sys are not installed: " + changed.error().message);
      last_error = changed.error().message;
      if (Wait(kRetryInterval)) break;
    }
    EndSessionThread();
  }

  // Returns how many were missing or of another version.
  Result<int> Install() {
    ASSIGN_OR_RETURN(InternalSession session, InternalSession::Open());
    // Every server of a replication group installs its own.
    RETURN_IF_ERROR(session.Run(
        // The server's default mode: a function is offloaded only in sessions of its own mode.
        "SET sql_log_bin = 0, lock_wait_timeout = 5, collation_connection = 'utf8mb4_0900_ai_ci', "
        "sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
        "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'"));
    ASSIGN_OR_RETURN(const std::vector<SqlRow> rows,
                     session.Run("SELECT ROUTINE_TYPE, ROUTINE_NAME, ROUTINE_COMMENT FROM "
                                 "information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'sys'"));
    std::map<std::string, std::string> comments;
    for (const SqlRow& row : rows)
      if (row.size() == 3 && row[0] && row[1])
        comments[*row[0] + " " + *row[1]] = row[2].value_or("");
    int changed = 0;
    for (const Routine& routine : Routines()) {
      const auto found = comments.find(routine.kind + " " + routine.name);
      if (found != comments.end()) {
        if (found->second.ends_with(routine.version)) continue;
        if (found->second.find(kVersionPrefix) == std::string::npos) {
          LogWarning("sys." + routine.name + " is not ours and is left as it is");
          continue;
        }
        RETURN_IF_ERROR(session.Run("DROP " + routine.kind + " IF EXISTS sys." + routine.name));
      }
      RETURN_IF_ERROR(session.Run(routine.statement));
      ++changed;
    }
    return changed;
  }

  // Sleeps; true: stopping.
  bool Wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return wake_.wait_for(lock, time, [this] { return stopping_; });
  }

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<bool> installed_{false};
};

Installer& TheInstaller() {
  static Installer installer;
  return installer;
}

}  // namespace

void StartRoutineInstaller(void* plugin) { TheInstaller().Start(plugin); }
void StopRoutineInstaller() { TheInstaller().Stop(); }
bool RoutinesInstalled() { return TheInstaller().installed(); }

}  // namespace sirocco::plugin
