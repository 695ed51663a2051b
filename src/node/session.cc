#include "node/session.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <set>

#include "node/clock.h"
#include "node/log.h"
#include "node/result_writer.h"
#include "plan/codec.h"
#include "wire/auth.h"
#include "wire/column_batch.h"

namespace sirocco::node {

namespace {

constexpr int kHandshakeTimeoutMs = 10000;

using wire::MessageType;

std::pair<MessageType, std::string> Ok() { return {MessageType::kOk, std::string()}; }

Result<uint64_t> DecodeId(std::string_view payload) {
  ByteReader in(payload);
  const auto id = in.Get<uint64_t>();
  if (!in.ok()) return MakeError(ErrorCode::kInvalidArgument, "malformed message: no id");
  return id;
}

void CollectTables(const plan::NodePtr& node, std::set<plan::TableId>* tables) {
  if (node == nullptr) return;
  if (node->kind == plan::NodeKind::kScan) tables->insert(node->table);
  for (const plan::NodePtr& input : node->inputs) CollectTables(input, tables);
}

}  // namespace

Session::~Session() {
  if (writer_ != nullptr) {
    // A writer lost without Close: its rows are gone, so the load must not be finished.
    node_->catalogue()->AbortLoad(writing_->id());
  }
  for (uint64_t load : begun_loads_) node_->catalogue()->AbortLoad(load);
}

Result<void> Session::Authenticate() {
  const std::string nonce = wire::RandomBytes(wire::kNonceBytes);
  ByteWriter hello;
  hello.Put(wire::kProtocolVersion);
  hello.PutString(nonce);
  RETURN_IF_ERROR(socket_.Send(MessageType::kHello, hello.bytes()));

  wire::Frame frame;
  RETURN_IF_ERROR(socket_.Receive(&frame, wire::kMaxHandshakeBytes, kHandshakeTimeoutMs));
  ByteReader in(frame.payload.view());
  const auto version = in.Get<uint32_t>();
  const std::string client_nonce = in.GetString();
  const std::string proof = in.GetString();
  const std::string& secret = node_->options().secret;
  Error refusal{ErrorCode::kInvalidArgument, 0, ""};
  if (frame.type != MessageType::kAuthenticate || !in.ok()) {
    refusal.message = "expected authentication";
  } else if (version != wire::kProtocolVersion) {
    refusal.message = "unknown protocol version " + std::to_string(version);
  } else if (!wire::SameProof(proof, wire::Proof(secret, "client", nonce, client_nonce))) {
    refusal.message = "the shared secret is wrong";
  }
  if (!refusal.message.empty()) {
    (void)socket_.Send(MessageType::kError, wire::EncodeError(refusal));
    return std::unexpected(refusal);
  }
  ByteWriter welcome;
  welcome.PutString(wire::Proof(secret, "node", nonce, client_nonce));
  return socket_.Send(MessageType::kWelcome, welcome.bytes() + wire::EncodeNodeInfo(node_->Info()));
}

void Session::Run() {
  if (Result<void> authenticated = Authenticate(); !authenticated) {
    LogWarning("connection refused: " + authenticated.error().message);
    return;
  }
  wire::Frame frame;
  for (;;) {
    if (Result<void> received = socket_.Receive(&frame); !received) {
      if (received.error().code != ErrorCode::kUnavailable)
        LogWarning("connection closed: " + received.error().message);
      return;
    }
    if (frame.type == MessageType::kCancel) continue;  // came after the query's end
    Reply reply = Ok();
    try {
      reply = Handle(frame);
    } catch (const std::bad_alloc&) {
      reply = MakeError(ErrorCode::kOutOfMemory, "the node's system memory is exhausted");
    }
    Result<void> sent = reply ? socket_.Send(reply->first, reply->second)
                              : socket_.Send(MessageType::kError, wire::EncodeError(reply.error()));
    if (!sent) return;
  }
}

Session::Reply Session::Handle(const wire::Frame& frame) {
  const std::string_view payload = frame.payload.view();
  switch (frame.type) {
    case MessageType::kBeginLoad:
      return BeginLoad(payload);
    case MessageType::kAttachLoad:
      return AttachLoad(payload);
    case MessageType::kLoadBatch:
      return LoadBatch(payload);
    case MessageType::kCloseWriter:
      return CloseWriter();
    case MessageType::kFinishLoad:
      return FinishLoad(payload);
    case MessageType::kAbortLoad: {
      ASSIGN_OR_RETURN(const uint64_t load, DecodeId(payload));
      node_->catalogue()->AbortLoad(load);
      return Ok();
    }
    case MessageType::kDropTable: {
      ASSIGN_OR_RETURN(const uint64_t table, DecodeId(payload));
      RETURN_IF_ERROR(node_->catalogue()->DropTable(table));
      return Ok();
    }
    case MessageType::kListTables:
      return ListTables();
    case MessageType::kStatus:
      return std::pair(MessageType::kNodeInfo, wire::EncodeNodeInfo(node_->Info()));
    case MessageType::kPrepare:
      return Prepare(payload);
    case MessageType::kRun:
      return RunQuery();
    case MessageType::kApplyChanges: {
      ASSIGN_OR_RETURN(std::string applied, changes_.Receive(payload));
      return std::pair(MessageType::kApplied, std::move(applied));
    }
    default:
      if (MlSession::Handles(frame.type)) return ml_.Handle(frame.type, payload);
      return MakeError(
          ErrorCode::kInvalidArgument,
          "unexpected message of type " + std::to_string(static_cast<int>(frame.type)));
  }
}

Session::Reply Session::BeginLoad(std::string_view payload) {
  ByteReader in(payload);
  ASSIGN_OR_RETURN(plan::TableSchema schema, plan::DecodeTableSchema(&in));
  const std::shared_ptr<Load> load = node_->catalogue()->BeginLoad(std::move(schema));
  begun_loads_.push_back(load->id());
  ByteWriter out;
  out.Put(load->id());
  return std::pair(MessageType::kLoadStarted, out.Take());
}

Session::Reply Session::AttachLoad(std::string_view payload) {
  ByteReader in(payload);
  const auto id = in.Get<uint64_t>();
  const auto order = in.Get<uint32_t>();
  if (!in.ok()) return MakeError(ErrorCode::kInvalidArgument, "malformed message: attach");
  if (writer_ != nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "this connection already writes to a load");
  ASSIGN_OR_RETURN(writing_, node_->catalogue()->FindLoad(id));
  writer_ = writing_->OpenWriter(order);
  if (writer_ == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "the load is already finished");
  return Ok();
}

Session::Reply Session::LoadBatch(std::string_view payload) {
  if (writer_ == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "no load is attached to this connection");
  ASSIGN_OR_RETURN(const wire::ColumnBatchView batch, wire::ColumnBatchView::Parse(payload));
  const auto& schema = writing_->schema().columns;
  if (batch.columns().size() != schema.size())
    return MakeError(ErrorCode::kInvalidArgument, "load batch has a wrong number of columns");
  std::vector<engine::LoadColumn> columns(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    const wire::ColumnBatchView::Column& from = batch.columns()[i];
    if (from.lane != plan::LaneOf(schema[i].type))
      return MakeError(ErrorCode::kInvalidArgument,
                       "load batch has the wrong lane for column " + schema[i].name);
    columns[i] = {from.lane, from.values, from.offsets, from.bytes, from.nulls};
  }
  RETURN_IF_ERROR(writer_->Append(batch.num_rows(), columns));
  return Ok();
}

Session::Reply Session::CloseWriter() {
  if (writer_ == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "no load is attached to this connection");
  RETURN_IF_ERROR(writer_->Close());
  writer_.reset();
  writing_->WriterClosed();
  writing_.reset();
  return Ok();
}

Session::Reply Session::FinishLoad(std::string_view payload) {
  ByteReader in(payload);
  const auto load = in.Get<uint64_t>();
  const auto position = in.Get<uint64_t>();
  std::string origin = in.GetString();
  if (!in.ok()) return MakeError(ErrorCode::kInvalidArgument, "malformed message: end of a load");
  std::erase(begun_loads_, load);
  ASSIGN_OR_RETURN(const wire::LoadedTable table,
                   node_->catalogue()->FinishLoad(load, position, std::move(origin),
                                                  node_->options().num_threads));
  LogNote("loaded " + table.schema.schema_name + "." + table.schema.table_name + " as table " +
          std::to_string(table.id) + ": " + std::to_string(table.statistics.num_rows) + " rows, " +
          std::to_string(table.statistics.size_bytes >> 10) + " KB, " +
          std::to_string((table.load_end_us - table.load_start_us) / 1000) + " ms");
  ByteWriter out;
  wire::EncodeLoadedTable(table, &out);
  return std::pair(MessageType::kTableLoaded, out.Take());
}

Session::Reply Session::ListTables() {
  const std::vector<wire::LoadedTable> tables = node_->catalogue()->List();
  ByteWriter out;
  out.Put(static_cast<uint32_t>(tables.size()));
  for (const wire::LoadedTable& table : tables) wire::EncodeLoadedTable(table, &out);
  return std::pair(MessageType::kTables, out.Take());
}

Session::Reply Session::Prepare(std::string_view payload) {
  prepared_ = {};
  ASSIGN_OR_RETURN(wire::QueryRequest request, wire::DecodeQueryRequest(payload));
  const Options& options = node_->options();
  uint64_t limit = request.memory_limit_bytes != 0 ? request.memory_limit_bytes
                                                   : options.query_memory_limit_bytes;
  if (limit == 0) limit = options.memory_limit_bytes;
  auto pool = std::make_unique<engine::MemoryPool>("the query", limit, node_->pool());

  engine::QueryOptions query_options;
  query_options.pool = pool.get();
  query_options.spill = node_->spill();
  query_options.num_workers = options.num_threads;
  if (request.num_workers != 0)
    query_options.num_workers = std::min(request.num_workers, options.num_threads);
  std::set<plan::TableId> tables;
  for (const plan::NodePtr& shared : request.plan.shared) CollectTables(shared, &tables);
  CollectTables(request.plan.root, &tables);
  ASSIGN_OR_RETURN(const auto snapshots, node_->catalogue()->SnapshotsForQuery(tables));
  ASSIGN_OR_RETURN(std::unique_ptr<engine::Query> query,
                   engine::Query::Prepare(
                       std::move(request.plan),
                       [&](plan::TableId id) {
                         const auto found = snapshots.find(id);
                         return found == snapshots.end() ? nullptr : found->second;
                       },
                       query_options));
  ByteWriter out;
  out.PutString(query->plan_text());
  prepared_.pool = std::move(pool);
  prepared_.query = std::move(query);
  for (const auto& [table, snapshot] : snapshots)
    prepared_.table_rows += snapshot->statistics().num_rows;
  return std::pair(MessageType::kPrepared, out.Take());
}

Session::Reply Session::RunQuery() {
  if (prepared_.query == nullptr)
    return MakeError(ErrorCode::kInvalidArgument, "no query is prepared on this connection");
  PreparedQuery running = std::move(prepared_);
  prepared_ = {};

  // From here on the client may only cancel, or vanish, which means the same.
  std::atomic<bool> cancelled{false};
  struct WatchGuard {
    DisconnectWatch* watch;
    int fd;
    ~WatchGuard() { watch->Remove(fd); }
  } guard{node_->watch(), socket_.fd()};
  node_->watch()->Add(socket_.fd(), [&] {
    cancelled = true;
    running.query->Cancel();
  });

  const uint64_t arrived = MonotonicNanos();
  ASSIGN_OR_RETURN(const Admission::Ticket ticket,
                   node_->admission()->Enter(node_->durations()->Expect(running.table_rows),
                                             [&] { return cancelled.load(); }));
  const uint64_t started = MonotonicNanos();

  wire::QueryEnd end;
  ResultWriter writer;
  RETURN_IF_ERROR(running.query->Run([&](const engine::Batch& batch) -> Result<void> {
    if (batch.count == 0) return {};
    end.num_rows += batch.count;
    ASSIGN_OR_RETURN(const std::string payload, writer.Encode(batch));
    return socket_.Send(MessageType::kResultBatch, payload);
  }));
  end.queue_ns = started - arrived;
  end.run_ns = MonotonicNanos() - started;
  node_->durations()->Learn(running.table_rows, std::chrono::nanoseconds(end.run_ns));
  end.memory_peak_bytes = running.pool->peak_bytes();
  for (const engine::Warning& warning : running.query->warnings())
    end.warnings.push_back({warning.mysql_errno, warning.message, warning.count});
  for (const engine::OperatorStatistics& stats : running.query->statistics()) {
    end.operators.push_back({stats.node_id, stats.name, stats.estimated_rows, stats.rows_out,
                             stats.cpu_ns, stats.memory_peak_bytes, stats.detail});
    end.bytes_scanned += stats.bytes_scanned;
  }
  node_->CountQuery(end.bytes_scanned);
  return std::pair(MessageType::kQueryEnd, wire::EncodeQueryEnd(end));
}

}  // namespace sirocco::node
