// SQL run by the plugin itself, from a thread of its own, with all privileges and outside any
// client's session.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/error.h"

struct st_command_service_cbs;
class Srv_session;
class THD;

namespace sirocco::plugin {

using SqlRow = std::vector<std::optional<std::string>>;

// Use on one thread that called InitSessionThread before and calls EndSessionThread after.
class InternalSession {
 public:
  // kUnavailable while the server does not accept sessions yet or any more.
  static Result<InternalSession> Open();
  InternalSession(InternalSession&& other) noexcept : session_(other.session_) {
    other.session_ = nullptr;
  }
  ~InternalSession();

  // Runs one statement and returns its rows as utf8mb4 text; kMysql with the server's number and
  // text if it fails.
  Result<std::vector<SqlRow>> Run(const std::string& statement);
  THD* thd() const;

 private:
  explicit InternalSession(Srv_session* session) : session_(session) {}
  Srv_session* session_;
};

// `plugin` is the server's st_plugin_int. False: no such thread can be made.
bool InitSessionThread(const void* plugin);
void EndSessionThread();
bool ServerAcceptsSessions();

// "`name`", with backticks doubled.
std::string QuoteName(const std::string& name);

}  // namespace sirocco::plugin
