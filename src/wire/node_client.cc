#include "wire/node_client.h"

#include <poll.h>
#include <sys/socket.h>

#include "plan/codec.h"
#include "wire/auth.h"

namespace sirocco::wire {

namespace {

std::string EncodeId(uint64_t id) {
  ByteWriter out;
  out.Put(id);
  return out.Take();
}

}  // namespace

Result<std::unique_ptr<NodeClient>> NodeClient::Connect(const std::string& address,
                                                        const std::string& secret, int timeout_ms) {
  ASSIGN_OR_RETURN(Socket socket, Socket::Connect(address, timeout_ms));
  std::unique_ptr<NodeClient> client(new NodeClient(std::move(socket)));
  RETURN_IF_ERROR(client->Handshake(secret, timeout_ms));
  return client;
}

Result<void> NodeClient::Handshake(const std::string& secret, int timeout_ms) {
  RETURN_IF_ERROR(socket_.Receive(&frame_, kMaxHandshakeBytes, timeout_ms));
  ByteReader hello(frame_.payload.view());
  const auto version = hello.Get<uint32_t>();
  const std::string node_nonce = hello.GetString();
  if (frame_.type != MessageType::kHello || !hello.ok() || node_nonce.size() != kNonceBytes)
    return MakeError(ErrorCode::kUnavailable, "the peer is not a rapidd node");
  if (version != kProtocolVersion)
    return MakeError(ErrorCode::kUnavailable,
                     "the node speaks protocol version " + std::to_string(version) +
                         ", this plugin speaks " + std::to_string(kProtocolVersion));
  const std::string nonce = RandomBytes(kNonceBytes);
  ByteWriter request;
  request.Put(kProtocolVersion);
  request.PutString(nonce);
  request.PutString(Proof(secret, "client", node_nonce, nonce));
  RETURN_IF_ERROR(socket_.Send(MessageType::kAuthenticate, request.bytes()));

  RETURN_IF_ERROR(socket_.Receive(&frame_, kMaxHandshakeBytes, timeout_ms));
  if (frame_.type == MessageType::kError)
    return std::unexpected(DecodeError(frame_.payload.view()));
  ByteReader welcome(frame_.payload.view());
  const std::string proof = welcome.GetString();
  if (frame_.type != MessageType::kWelcome || !welcome.ok() ||
      !SameProof(proof, Proof(secret, "node", node_nonce, nonce)))
    return MakeError(ErrorCode::kUnavailable, "the node does not know the shared secret");
  ASSIGN_OR_RETURN(info_, DecodeNodeInfo(&welcome));
  return {};
}

std::unexpected<Error> NodeClient::Broken(Error error) {
  ok_ = false;
  return std::unexpected(std::move(error));
}

bool NodeClient::Alive() {
  if (!ok_) return false;
  pollfd state{socket_.fd(), POLLIN, 0};
  // Nothing is owed to us between requests: readable means closed, or out of step.
  if (::poll(&state, 1, 0) != 0) ok_ = false;
  return ok_;
}

Result<void> NodeClient::ReceiveFrame(const WaitCheck& killed) {
  bool cancel_sent = false;
  // After a kill the node still owes a reply; take it so that the connection stays usable. It comes
  // soon.
  const WaitCheck check = killed == nullptr ? WaitCheck() : [&] {
    if (!cancel_sent && killed()) {
      cancel_sent = true;
      Cancel();
    }
    return false;
  };
  if (Result<void> received = socket_.Receive(&frame_, kMaxPayloadBytes, -1, check); !received)
    return Broken(received.error());
  if (frame_.type == MessageType::kError)
    return std::unexpected(DecodeError(frame_.payload.view()));
  return {};
}

Result<void> NodeClient::ReceiveReply(MessageType expected, const WaitCheck& killed) {
  RETURN_IF_ERROR(ReceiveFrame(killed));
  if (frame_.type != expected &&
      !(expected == MessageType::kQueryEnd && frame_.type == MessageType::kResultBatch))
    return Broken({ErrorCode::kInternal, 0,
                   "unexpected message of type " + std::to_string(static_cast<int>(frame_.type)) +
                       " from the node"});
  return {};
}

Result<void> NodeClient::Call(MessageType request, std::string_view payload, MessageType expected,
                              const WaitCheck& killed) {
  if (!ok_) return MakeError(ErrorCode::kUnavailable, "connection to the node is lost");
  {
    std::lock_guard lock(send_mutex_);
    if (Result<void> sent = socket_.Send(request, payload); !sent) return Broken(sent.error());
  }
  return ReceiveReply(expected, killed);
}

Result<uint64_t> NodeClient::BeginLoad(const plan::TableSchema& schema) {
  ByteWriter out;
  plan::EncodeTableSchema(schema, &out);
  RETURN_IF_ERROR(Call(MessageType::kBeginLoad, out.bytes(), MessageType::kLoadStarted));
  ByteReader in(frame_.payload.view());
  return in.Get<uint64_t>();
}

Result<void> NodeClient::AttachLoad(uint64_t load_id, uint32_t order) {
  ByteWriter out;
  out.Put(load_id);
  out.Put(order);
  return Call(MessageType::kAttachLoad, out.bytes(), MessageType::kOk);
}

Result<void> NodeClient::SendBatch(const ColumnBatchBuilder& batch) {
  return SendBatch(std::string_view(batch.Encode()));
}

Result<void> NodeClient::SendBatch(std::string_view payload) {
  return Call(MessageType::kLoadBatch, payload, MessageType::kOk);
}

Result<void> NodeClient::CloseWriter() {
  return Call(MessageType::kCloseWriter, {}, MessageType::kOk);
}

Result<LoadedTable> NodeClient::FinishLoad(uint64_t load_id, Position position,
                                           const std::string& origin, const WaitCheck& killed) {
  ByteWriter out;
  out.Put(load_id);
  out.Put(position);
  out.PutString(origin);
  RETURN_IF_ERROR(Call(MessageType::kFinishLoad, out.bytes(), MessageType::kTableLoaded, killed));
  ByteReader in(frame_.payload.view());
  return DecodeLoadedTable(&in);
}

Result<void> NodeClient::AbortLoad(uint64_t load_id) {
  return Call(MessageType::kAbortLoad, EncodeId(load_id), MessageType::kOk);
}

Result<void> NodeClient::DropTable(plan::TableId table) {
  return Call(MessageType::kDropTable, EncodeId(table), MessageType::kOk);
}

Result<Applied> NodeClient::ApplyChanges(const ChangeBatch& batch) {
  RETURN_IF_ERROR(
      Call(MessageType::kApplyChanges, EncodeChangeBatch(batch), MessageType::kApplied));
  return DecodeApplied(frame_.payload.view());
}

Result<std::vector<LoadedTable>> NodeClient::ListTables() {
  RETURN_IF_ERROR(Call(MessageType::kListTables, {}, MessageType::kTables));
  ByteReader in(frame_.payload.view());
  std::vector<LoadedTable> tables;
  const uint32_t count = in.GetCount(8);
  for (uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(LoadedTable table, DecodeLoadedTable(&in));
    tables.push_back(std::move(table));
  }
  return tables;
}

Result<NodeInfo> NodeClient::Status() {
  RETURN_IF_ERROR(Call(MessageType::kStatus, {}, MessageType::kNodeInfo));
  ByteReader in(frame_.payload.view());
  return DecodeNodeInfo(&in);
}

Result<std::string> NodeClient::Prepare(const QueryRequest& request, const WaitCheck& killed) {
  RETURN_IF_ERROR(
      Call(MessageType::kPrepare, EncodeQueryRequest(request), MessageType::kPrepared, killed));
  ByteReader in(frame_.payload.view());
  return in.GetString();
}

Result<QueryEnd> NodeClient::Run(
    const std::function<Result<void>(const ColumnBatchView&)>& on_batch, const WaitCheck& killed) {
  RETURN_IF_ERROR(Call(MessageType::kRun, {}, MessageType::kQueryEnd, killed));
  Result<void> consumed;  // the first error of on_batch
  while (frame_.type == MessageType::kResultBatch) {
    if (consumed) {
      Result<ColumnBatchView> batch = ColumnBatchView::Parse(frame_.payload.view());
      if (!batch) return Broken(batch.error());
      consumed = on_batch(*batch);
      if (!consumed) Cancel();
    }
    Result<void> next = ReceiveReply(MessageType::kQueryEnd, killed);
    if (!next)
      return std::unexpected(consumed ? std::move(next.error()) : std::move(consumed.error()));
  }
  if (!consumed) return std::unexpected(std::move(consumed.error()));
  return DecodeQueryEnd(frame_.payload.view());
}

Result<MessageType> NodeClient::MlStep(
    MessageType request, std::string_view payload, const WaitCheck& killed,
    const std::function<Result<void>(MessageType, std::string_view)>& on_part) {
  if (!ok_) return MakeError(ErrorCode::kUnavailable, "connection to the node is lost");
  {
    std::lock_guard lock(send_mutex_);
    if (Result<void> sent = socket_.Send(request, payload); !sent) return Broken(sent.error());
  }
  Result<void> consumed;  // the first error of on_part
  for (;;) {
    if (Result<void> next = ReceiveFrame(killed); !next)
      return std::unexpected(consumed ? std::move(next.error()) : std::move(consumed.error()));
    const bool is_part = frame_.type == MessageType::kMlProgress ||
                         (frame_.type == MessageType::kMlOutput && request == MessageType::kMlRun);
    if (!is_part) break;
    if (!consumed || on_part == nullptr) continue;
    consumed = on_part(frame_.type, frame_.payload.view());
    if (!consumed) Cancel();
  }
  if (!consumed) return std::unexpected(std::move(consumed.error()));
  if (frame_.type != MessageType::kOk && frame_.type != MessageType::kMlOutput &&
      frame_.type != MessageType::kMlDone)
    return Broken({ErrorCode::kInternal, 0,
                   "unexpected message of type " + std::to_string(static_cast<int>(frame_.type)) +
                       " from the node"});
  return frame_.type;
}

void NodeClient::Cancel() {
  std::lock_guard lock(send_mutex_);
  if (ok_) (void)socket_.Send(MessageType::kCancel);
}

void NodeClient::Disconnect() {
  ok_ = false;
  socket_.Shutdown();
}

}  // namespace sirocco::wire
