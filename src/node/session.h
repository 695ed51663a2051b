// One connection from a plugin: authenticates, then serves one request after the other on its own
// thread.
#pragma once

#include <memory>

#include "engine/engine.h"
#include "node/change_stream.h"
#include "node/ml_session.h"
#include "node/node.h"
#include "wire/socket.h"

namespace sirocco::node {

class Session {
 public:
  Session(Node* node, wire::Socket socket) : node_(node), socket_(std::move(socket)) {}
  ~Session();

  // Returns when the peer closes, breaks the protocol, or the socket is shut down.
  void Run();
  wire::Socket* socket() { return &socket_; }

 private:
  // A query with the pool that its memory is charged to.
  struct PreparedQuery {
    std::unique_ptr<engine::MemoryPool> pool;
    std::unique_ptr<engine::Query> query;
    uint64_t table_rows = 0;  // of all its tables: how much work it is
  };
  using Reply = Result<std::pair<wire::MessageType, std::string>>;

  Result<void> Authenticate();
  Reply Handle(const wire::Frame& frame);
  Reply BeginLoad(std::string_view payload);
  Reply AttachLoad(std::string_view payload);
  Reply LoadBatch(std::string_view payload);
  Reply CloseWriter();
  Reply FinishLoad(std::string_view payload);
  Reply ListTables();
  Reply Prepare(std::string_view payload);
  Reply RunQuery();

  Node* node_;
  wire::Socket socket_;
  std::shared_ptr<Load> writing_;  // the load that writer_ belongs to
  std::unique_ptr<engine::TableBuilder::Writer> writer_;
  std::vector<uint64_t> begun_loads_;
  PreparedQuery prepared_;
  ChangeStream changes_{node_->catalogue(), node_->pool()};
  MlSession ml_{node_, &socket_};
};

}  // namespace sirocco::node
