#include "plugin/routines/caller.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <thread>

#include "my_thread.h"
#include "mysql/plugin.h"
#include "mysql/service_srv_session.h"
#include "mysql/service_srv_session_info.h"
#include "plugin/node/internal_session.h"
#include "plugin/server_log.h"
#include "sql/auth/sql_security_ctx.h"
#include "sql/sql_class.h"

namespace sirocco::plugin {
namespace {

constexpr uint64_t kMaxLockWait = 120;  // seconds
constexpr auto kPollInterval = std::chrono::milliseconds(20);

std::atomic<int> num_running{0};

// Texts that the process list may look at any time, also after the routine's end.
const char* KeepForEver(const std::string& text) {
  static std::mutex mutex;
  static std::set<std::string> texts;
  constexpr size_t kMaxTexts = 1000;
  std::lock_guard lock(mutex);
  if (texts.size() >= kMaxTexts && !texts.contains(text)) return "Machine learning";
  return texts.insert(text).first->c_str();
}

// The account, its privileges and active roles.
void CopyRights(Security_context* from, Security_context* to) {
  *to = *from;
  for (const auto& [role, host] : *from->get_active_roles())
    to->activate_role(role, host, /*validate_access=*/false);
  to->checkout_access_maps();
}

}  // namespace

Caller::Caller(THD* thd, const std::string& name)
    : thd_(thd),
      connection_id_(thd->thread_id()),
      query_id_(thd->query_id),
      binlog_((thd->variables.option_bits & OPTION_BIN_LOG) != 0),
      // A lock that the caller's own session holds never comes.
      lock_wait_timeout_(std::min<uint64_t>(thd->variables.lock_wait_timeout, kMaxLockWait)) {
  const LEX_CSTRING account = thd->security_context()->priv_user();
  user_.assign(account.str, account.length);
  if (!name.empty()) record_ = TheMlHistory().Begin(connection_id_, query_id_, name);
}

Result<InvokerSession> Caller::OpenSession() {
  if (!ServerAcceptsSessions())
    return MakeError(ErrorCode::kUnavailable, "the server does not accept sessions");
  MYSQL_SESSION session = srv_session_open([](void*, uint, const char*) {}, nullptr);
  if (session == nullptr)
    return MakeError(ErrorCode::kUnavailable, "the server did not open a session");
  THD* inner = srv_session_info_get_thd(session);
  CopyRights(thd_->security_context(), inner->security_context());
  if (!binlog_) inner->variables.option_bits &= ~OPTION_BIN_LOG;
  InvokerSession opened(this, session);
  {
    std::lock_guard lock(mutex_);
    sessions_.insert(inner);
  }
  // Nothing may depend on the settings new sessions happen to get.
  RETURN_IF_ERROR(opened.Execute(
      "SET autocommit = 1, sql_mode = "
      "'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO', sql_safe_updates = 0, "
      "sql_select_limit = 18446744073709551615, max_execution_time = 0, lock_wait_timeout = " +
      std::to_string(lock_wait_timeout_)));
  return opened;
}

void Caller::SetProgress(const std::string& stage, double fraction) {
  if (record_ == nullptr) return;
  stage_ = KeepForEver(record_->text() + ": " + stage);
  record_->SetProgress(stage, fraction);
}

void Caller::SetMemoryPeak(uint64_t bytes) {
  if (record_ != nullptr) record_->SetMemoryPeak(bytes);
}

void Caller::Kill() {
  killed_ = true;
  if (ignores_kill_) return;
  std::lock_guard lock(mutex_);
  for (THD* session : sessions_) {
    mysql_mutex_lock(&session->LOCK_thd_data);
    session->awake(THD::KILL_QUERY);
    mysql_mutex_unlock(&session->LOCK_thd_data);
  }
}

struct SessionThread::State {
  std::thread thread;
};

SessionThread::SessionThread(std::function<void()> body) : state_(new State) {
  state_->thread = std::thread([body = std::move(body)] {
    my_thread_init();
    if (InitSessionThread(LogPlugin())) {
      body();
      EndSessionThread();
    } else {
      // Without sessions OpenSession fails and says so.
      body();
    }
    my_thread_end();
  });
}

void SessionThread::Join() {
  if (state_->thread.joinable()) state_->thread.join();
}

SessionThread::~SessionThread() {
  Join();
  delete state_;
}

Result<std::optional<std::string>> RunForCaller(
    THD* thd, const std::string& name,
    const std::function<Result<std::optional<std::string>>(Caller&)>& work) {
  num_running.fetch_add(1, std::memory_order_acq_rel);
  Caller caller(thd, name);
  std::mutex mutex;
  std::condition_variable ended;
  bool is_ended = false;
  Result<std::optional<std::string>> result;
  {
    SessionThread thread([&] {
      auto done = work(caller);
      std::lock_guard lock(mutex);
      result = std::move(done);
      is_ended = true;
      ended.notify_all();
    });
    const char* const old_stage = thd->proc_info();
    const char* shown = nullptr;
    std::unique_lock lock(mutex);
    while (!is_ended) {
      ended.wait_for(lock, kPollInterval, [&] { return is_ended; });
      if (const char* stage = caller.stage_; stage != shown) {
        shown = stage;
        thd->set_proc_info(stage);
      }
      // Again each time: a session may have been opened since.
      if (!is_ended && thd->killed != THD::NOT_KILLED) {
        lock.unlock();
        caller.Kill();
        lock.lock();
      }
    }
    lock.unlock();
    thread.Join();
    thd->set_proc_info(old_stage);
  }
  if (!result && caller.killed())
    result = MakeError(ErrorCode::kCancelled, "the operation was cancelled");
  if (caller.record_ != nullptr)
    TheMlHistory().End(caller.record_, result ? "" : result.error().message);
  num_running.fetch_sub(1, std::memory_order_acq_rel);
  return result;
}

int NumRunningRoutines() { return num_running.load(std::memory_order_acquire); }

}  // namespace sirocco::plugin
