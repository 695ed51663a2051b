// The plugin's side of a connection to a node.
//
// Threads: one thread uses a client at a time, except Cancel and Disconnect, which may come from
// any thread. Connections are cheap to keep: pool them and give each running statement one. After
// any error but one the node itself reported, the connection is broken (`ok()` is false). Load:
// BeginLoad on a connection; each scanning thread has a connection of its own, AttachLoad,
// SendBatch ..., CloseWriter; then FinishLoad on the first one. A load whose first connection
// breaks is dropped by the node. Query: Prepare (everything that can be refused is refused here),
// then Run; or Prepare again, which forgets the former.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "wire/changes.h"
#include "wire/column_batch.h"
#include "wire/messages.h"
#include "wire/socket.h"

namespace sirocco::wire {

class NodeClient {
 public:
  // `secret` is shared with the node (rapidd --secret-fd); both sides prove that they know it,
  // neither sends it.
  static Result<std::unique_ptr<NodeClient>> Connect(const std::string& address,
                                                     const std::string& secret, int timeout_ms);

  const NodeInfo& info() const { return info_; }  // as of Connect
  bool ok() const { return ok_.load(); }
  // Whether the peer is still there (no request may be under way); false after the node's death.
  bool Alive();

  Result<uint64_t> BeginLoad(const plan::TableSchema& schema);
  Result<void> AttachLoad(uint64_t load_id, uint32_t order);
  Result<void> SendBatch(const ColumnBatchBuilder& batch);
  // A payload made by EncodeColumnBatch.
  Result<void> SendBatch(std::string_view payload);
  Result<void> CloseWriter();
  // `position` and `origin`: see LoadedTable.
  Result<LoadedTable> FinishLoad(uint64_t load_id, Position position, const std::string& origin,
                                 const WaitCheck& killed = nullptr);
  Result<void> AbortLoad(uint64_t load_id);
  Result<void> DropTable(plan::TableId table);
  Result<std::vector<LoadedTable>> ListTables();
  Result<NodeInfo> Status();
  // An error means that nothing of this batch, nor of earlier ones cut from the same transaction,
  // is visible.
  Result<Applied> ApplyChanges(const ChangeBatch& batch);

  // Returns the text of the optimized plan. `killed` is asked about every 50 ms while waiting; true
  // cancels.
  Result<std::string> Prepare(const QueryRequest& request, const WaitCheck& killed = nullptr);
  // Runs the prepared query. `on_batch` gets each result batch in order; its error stops the query.
  // kCancelled after Cancel or `killed`.
  Result<QueryEnd> Run(const std::function<Result<void>(const ColumnBatchView&)>& on_batch,
                       const WaitCheck& killed = nullptr);
  // One step of a machine-learning operation (ml_messages.h). kMlProgress and kMlOutput frames go to
  // `on_part` as they come (its error cancels the operation); returns the type of the last frame,
  // whose payload is reply() until the next call.
  Result<MessageType> MlStep(
      MessageType request, std::string_view payload, const WaitCheck& killed = nullptr,
      const std::function<Result<void>(MessageType, std::string_view)>& on_part = nullptr);
  std::string_view reply() const { return frame_.payload.view(); }
  // Asks the node to stop the query under way; Run then returns soon.
  void Cancel();
  void Disconnect();

 private:
  NodeClient(Socket socket) : socket_(std::move(socket)) {}
  Result<void> Handshake(const std::string& secret, int timeout_ms);
  // Sends a request and waits for a reply of type `expected`, which is then in frame_.
  Result<void> Call(MessageType request, std::string_view payload, MessageType expected,
                    const WaitCheck& killed = nullptr);
  Result<void> ReceiveReply(MessageType expected, const WaitCheck& killed);
  // Any frame; one of kError is returned as that error. Cancels once when `killed` says so.
  Result<void> ReceiveFrame(const WaitCheck& killed);
  std::unexpected<Error> Broken(Error error);

  Socket socket_;
  std::atomic<bool> ok_{true};
  std::mutex send_mutex_;  // Cancel may send while the owner waits
  Frame frame_;
  NodeInfo info_;
};

}  // namespace sirocco::wire
