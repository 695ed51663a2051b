// The session that called a routine, and the work done for it.
//
// A routine's own statements run on a thread of their own, in sessions that have exactly the
// caller's privileges (account and active roles of its security context), so a user reaches no
// table that he could not reach himself. They are other transactions: uncommitted rows and
// temporary tables of the caller are not seen. The caller's thread meanwhile waits, shows the stage
// in the process list, and passes a KILL on.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/error.h"
#include "plugin/routines/invoker_session.h"
#include "plugin/routines/ml_history.h"

class Security_context;
class THD;

namespace sirocco::plugin {

class Caller {
 public:
  Caller(THD* thd, const std::string& name);

  // The account's name without host: the owner of models. The same for all accounts of that name.
  const std::string& user() const { return user_; }
  uint64_t connection_id() const { return connection_id_; }
  uint64_t query_id() const { return query_id_; }
  bool killed() const { return killed_ && !ignores_kill_; }
  // For waits on the node.
  std::function<bool()> kill_check() const {
    return [this] { return killed(); };
  }
  // Any thread of the work that called InitSessionThread.
  Result<InvokerSession> OpenSession();
  // Shown as the state of the caller in the process list and, with the part of the whole that is
  // done (0 to 1), in rpd_query_stats. Stage names are kept for ever: few distinct ones.
  void SetProgress(const std::string& stage, double fraction);
  void SetMemoryPeak(uint64_t bytes);
  // From here on a KILL is too late: the work's last statements run to their end.
  void IgnoreKill() { ignores_kill_ = true; }

 private:
  friend class InvokerSession;
  friend Result<std::optional<std::string>> RunForCaller(
      THD* thd, const std::string& name,
      const std::function<Result<std::optional<std::string>>(Caller&)>& work);
  void Kill();

  THD* thd_;
  std::string user_;
  uint64_t connection_id_, query_id_;
  bool binlog_;
  uint64_t lock_wait_timeout_;
  std::shared_ptr<MlRecord> record_;  // nullptr: not shown
  std::atomic<bool> killed_{false}, ignores_kill_{false};
  std::atomic<const char*> stage_{nullptr};
  std::mutex mutex_;
  std::set<THD*> sessions_;
};

// Runs `work`, the operation of the given name, on a new thread and waits for it. kCancelled if the
// caller was killed. Without a name it is no operation that the monitoring tables show.
Result<std::optional<std::string>> RunForCaller(
    THD* thd, const std::string& name,
    const std::function<Result<std::optional<std::string>>(Caller&)>& work);

// A thread that may open sessions; `body` runs there. Join before the caller's work ends.
class SessionThread {
 public:
  explicit SessionThread(std::function<void()> body);
  ~SessionThread();
  void Join();

 private:
  struct State;
  State* state_;
};

// Number of RunForCaller calls under way: while above 0 the plugin's code must stay loaded.
int NumRunningRoutines();

}  // namespace sirocco::plugin
