#include "plugin/node/node_connection.h"

#include <deque>
#include <fstream>
#include <iterator>

#include "my_thread.h"
#include "plugin/changes/adoption.h"
#include "plugin/changes/tail.h"
#include "plugin/node/reload.h"
#include "plugin/registry.h"
#include "plugin/server_log.h"

namespace sirocco::plugin {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kConnectTimeoutMs = 2000;
constexpr int kStartTimeoutMs = 20000;
// How often the process is looked at, and how often the node is asked for its state.
constexpr int kCheckMs = 100;
constexpr auto kStatusInterval = std::chrono::seconds(2);
constexpr size_t kMaxIdle = 64;
constexpr int kFirstBackoffMs = 100, kMaxBackoffMs = 10000;

Result<std::string> ReadSecretFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return MakeError(ErrorCode::kUnavailable, "cannot read rapid_node_secret_file " + path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

PooledClient& PooledClient::operator=(PooledClient&& other) {
  if (this != &other) {
    Release();
    owner_ = other.owner_;
    client_ = std::move(other.client_);
  }
  return *this;
}

void PooledClient::Release() {
  if (client_ != nullptr) owner_->Return(std::move(client_));
}

NodeSet& Nodes() {
  static NodeSet nodes;
  return nodes;
}

void NodeSet::Start(NodeSettings settings) {
  settings_ = std::move(settings);
  stopping_ = false;
  state_ = State::kStarting;
  thread_ = std::thread([this] {
    my_thread_init();
    Loop();
    my_thread_end();
  });
}

void NodeSet::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  state_ = State::kStopped;
}

void NodeSet::Loop() {
  std::deque<Clock::time_point> starts;  // of the last minute
  int backoff_ms = kFirstBackoffMs;
  for (;;) {
    if (Result<void> up = BringUp(); up) {
      backoff_ms = kFirstBackoffMs;
      state_ = State::kOnline;
      RequestReload();
      const std::string reason = Watch();
      TakeDown(reason);
    } else {
      TakeDown(up.error().message);
    }
    {
      std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    const auto now = Clock::now();
    starts.push_back(now);
    while (starts.front() < now - std::chrono::minutes(1)) starts.pop_front();
    if (settings_.address.empty() && starts.size() > settings_.max_restarts) {
      state_ = State::kFailed;
      LogError("the node ended " + std::to_string(starts.size()) +
               " times within a minute (rapid_node_max_restarts); trying again in a minute");
      if (SleepMs(60000)) break;
      starts.clear();
    }
    state_ = State::kStarting;
    if (SleepMs(backoff_ms)) break;
    backoff_ms = std::min(backoff_ms * 2, kMaxBackoffMs);
    num_restarts_ += 1;
  }
  process_.Stop();
  pid_ = 0;
}

Result<void> NodeSet::BringUp() {
  if (settings_.address.empty()) {
    secret_ = MakeSecret();
    RETURN_IF_ERROR(process_.Start(settings_.local, secret_));
    pid_ = process_.pid();
  } else {
    ASSIGN_OR_RETURN(secret_, ReadSecretFile(settings_.secret_file));
  }
  const auto deadline = Clock::now() + std::chrono::milliseconds(kStartTimeoutMs);
  for (;;) {
    Result<std::unique_ptr<wire::NodeClient>> client = Connect(kConnectTimeoutMs);
    if (client) {
      const wire::NodeInfo info = (*client)->info();
      NoteNodeTables(info.instance,
                     (*client)->ListTables().value_or(std::vector<wire::LoadedTable>{}));
      {
        std::lock_guard lock(mutex_);
        info_ = info;
        idle_.push_back(std::move(*client));
        state_text_.clear();
      }
      epoch_ = info.instance;
      LogNote("node " + address() + " is up (version " + info.version + ", " +
              std::to_string(info.num_cores) + " threads, " +
              std::to_string(info.memory_limit_bytes >> 20) + " MB)");
      return {};
    }
    if (settings_.address.empty() && !process_.Running())
      return MakeError(ErrorCode::kUnavailable, "rapidd " + process_.ExitText());
    if (Clock::now() > deadline) return std::unexpected(client.error());
    if (SleepMs(20)) return MakeError(ErrorCode::kUnavailable, "the server is shutting down");
  }
}

std::string NodeSet::Watch() {
  auto next_status = Clock::now() + kStatusInterval;
  for (;;) {
    if (SleepMs(kCheckMs)) return "the server is shutting down";
    if (settings_.address.empty() && !process_.Running()) return "rapidd " + process_.ExitText();
    bool check_now;
    {
      std::lock_guard lock(mutex_);
      check_now = std::exchange(check_now_, false);
    }
    if (!check_now && Clock::now() < next_status) continue;
    next_status = Clock::now() + kStatusInterval;
    Result<PooledClient> client = Acquire(0);
    if (!client) return client.error().message;
    Result<wire::NodeInfo> info = (*client)->Status();
    if (!info) {
      // A connection may break alone; the node is gone if a fresh one fails too or finds another
      // life.
      Result<std::unique_ptr<wire::NodeClient>> fresh = Connect(kConnectTimeoutMs);
      if (!fresh) return fresh.error().message;
      info = (*fresh)->info();
    }
    if (info->instance != epoch_.load()) return "the node was restarted";
    std::lock_guard lock(mutex_);
    info_ = *info;
  }
}

void NodeSet::TakeDown(const std::string& reason) {
  const bool was_up = epoch_.exchange(0) != 0;
  bool stopping;
  {
    std::lock_guard lock(mutex_);
    idle_.clear();
    info_.reset();
    state_text_ = "the RAPID node is not available: " + reason;
    stopping = stopping_;
  }
  if (was_up) {
    Registry().MarkAllLost(reason);
    UnfollowAll(reason);
  }
  if (!stopping) LogWarning("node " + address() + " is down: " + reason);
  process_.Stop();
  pid_ = 0;
}

bool NodeSet::SleepMs(int milliseconds) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                 [this] { return stopping_ || check_now_; });
  return stopping_;
}

std::string NodeSet::StateText() const {
  std::lock_guard lock(mutex_);
  return state_text_.empty() ? "the RAPID node is not available" : state_text_;
}

std::optional<wire::NodeInfo> NodeSet::Info() const {
  std::lock_guard lock(mutex_);
  return info_;
}

std::string NodeSet::address() const {
  return settings_.address.empty() ? "unix:" + settings_.local.socket_path : settings_.address;
}

Result<std::unique_ptr<wire::NodeClient>> NodeSet::Connect(int timeout_ms) const {
  return wire::NodeClient::Connect(address(), secret_, timeout_ms);
}

Result<PooledClient> NodeSet::Acquire(uint64_t epoch) {
  const uint64_t current = epoch_.load();
  if (current == 0) return MakeError(ErrorCode::kUnavailable, StateText());
  if (epoch != 0 && epoch != current)
    return MakeError(ErrorCode::kUnavailable, "the RAPID node was restarted");
  for (;;) {
    std::unique_ptr<wire::NodeClient> client;
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        client = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (client == nullptr) {
      ASSIGN_OR_RETURN(client, Connect(kConnectTimeoutMs));
    } else if (!client->Alive()) {
      continue;
    }
    if (client->info().instance == current) return PooledClient(this, std::move(client));
    if (client->info().instance != epoch_.load())
      return MakeError(ErrorCode::kUnavailable, "the RAPID node was restarted");
  }
}

Result<PooledClient> NodeSet::AcquireWaiting(int timeout_ms, const std::function<bool()>& killed) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    Result<PooledClient> client = Acquire(0);
    if (client || Clock::now() > deadline || state() == State::kStopped) return client;
    if (killed()) return MakeError(ErrorCode::kCancelled, "killed");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void NodeSet::NoteFailure(const PooledClient& client) {
  if (client->ok()) return;  // an error the node itself reported
  {
    std::lock_guard lock(mutex_);
    check_now_ = true;
  }
  wake_.notify_all();
}

void NodeSet::Return(std::unique_ptr<wire::NodeClient> client) {
  if (!client->ok() || client->info().instance != epoch_.load()) return;
  std::lock_guard lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.push_back(std::move(client));
}

}  // namespace sirocco::plugin
