// The node as the rest of the plugin sees it: is it there, give me a connection. Behind it one
// thread starts and restarts a local rapidd (or reconnects to a given address), asks for its state,
// and tells the registry when its tables are lost.
//
// A node's life ("epoch") begins with each start of the daemon; tables belong to an epoch, and a
// connection is only given out for the epoch asked for, so that a table number of a former life can
// never be taken for one of this life. Connections are pooled: a statement takes one, returns it
// when done. Threads: every method from any thread, except Start and Stop (plugin init and deinit).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "plugin/node/node_process.h"
#include "wire/node_client.h"

namespace sirocco::plugin {

class NodeSet;

// A connection taken from the pool. Returned on destruction if it is still good, closed otherwise.
class PooledClient {
 public:
  PooledClient(NodeSet* owner, std::unique_ptr<wire::NodeClient> client)
      : owner_(owner), client_(std::move(client)) {}
  PooledClient(PooledClient&&) = default;
  PooledClient& operator=(PooledClient&& other);
  ~PooledClient() { Release(); }

  wire::NodeClient* operator->() const { return client_.get(); }

 private:
  void Release();
  NodeSet* owner_;
  std::unique_ptr<wire::NodeClient> client_;
};

struct NodeSettings {
  NodeOptions local;          // used if `address` is empty
  std::string address;        // "host:port" or "unix:/path" of a node that somebody else runs
  std::string secret_file;    // its secret
  uint32_t max_restarts = 5;  // of the local process, per minute
};

class NodeSet {
 public:
  enum class State { kStopped, kStarting, kOnline, kFailed };

  // Starts the thread that looks after the node.
  void Start(NodeSettings settings);
  // Ends the local node, closes all connections, joins the thread. Running queries fail.
  void Stop();

  bool Available() const { return epoch_.load() != 0; }
  State state() const { return state_.load(); }
  // Why the node is not available, for refusals.
  std::string StateText() const;
  // What the node last said about itself; nullopt before its first answer or while it is down.
  std::optional<wire::NodeInfo> Info() const;
  std::string address() const;
  // Process id of the local node, 0 if there is none.
  pid_t pid() const { return pid_.load(); }
  uint64_t num_restarts() const { return num_restarts_.load(); }

  // A connection to the node in the given life (0: whichever). kUnavailable if that life is over.
  Result<PooledClient> Acquire(uint64_t epoch);
  // Same, waiting for a node that is starting. kCancelled when `killed` says so.
  Result<PooledClient> AcquireWaiting(int timeout_ms, const std::function<bool()>& killed);
  // Tells that something failed on a connection: the thread looks at once whether the node has
  // gone.
  void NoteFailure(const PooledClient& client);

 private:
  friend class PooledClient;
  void Loop();
  // One attempt to have a node that answers; on success the epoch is set.
  Result<void> BringUp();
  // Watches a node that answers, until it is gone or the plugin stops; returns why.
  std::string Watch();
  void TakeDown(const std::string& reason);
  Result<std::unique_ptr<wire::NodeClient>> Connect(int timeout_ms) const;
  void Return(std::unique_ptr<wire::NodeClient> client);
  // Waits; true: the plugin is stopping.
  bool SleepMs(int milliseconds);

  NodeSettings settings_;
  std::string secret_;
  NodeProcess process_;
  std::thread thread_;
  std::atomic<uint64_t> epoch_{0};
  std::atomic<State> state_{State::kStopped};
  std::atomic<pid_t> pid_{0};
  std::atomic<uint64_t> num_restarts_{0};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, check_now_ = false;
  std::string state_text_ = "the RAPID node has not been started";
  std::optional<wire::NodeInfo> info_;
  std::vector<std::unique_ptr<wire::NodeClient>> idle_;
};

NodeSet& Nodes();

}  // namespace sirocco::plugin
