// The messages between plugin and node. A connection carries one request at a time; the node
// answers each with the listed reply or kError. docs/wire.md lists payloads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/error.h"
#include "plan/node.h"
#include "plan/table_schema.h"

namespace sirocco::wire {

inline constexpr uint32_t kProtocolVersion = 1;

enum class MessageType : uint8_t {
  kError = 1,     // node -> plugin: Error
  kHello,         // node -> plugin, first: version, nonce
  kAuthenticate,  // plugin -> node: version, nonce, proof
  kWelcome,       // node -> plugin: proof, NodeInfo
  kOk,            // empty reply

  kBeginLoad,    // TableSchema -> kLoadStarted
  kLoadStarted,  // load id
  kAttachLoad,   // load id, order -> kOk; this connection then carries kLoadBatch
  kLoadBatch,    // column batch -> kOk
  kCloseWriter,  // -> kOk
  kFinishLoad,   // load id, position, origin -> kTableLoaded
  kTableLoaded,  // LoadedTable
  kAbortLoad,    // load id -> kOk
  kDropTable,    // table id -> kOk
  kListTables,   // -> kTables
  kTables,       // LoadedTable list

  kPrepare,      // QueryRequest -> kPrepared
  kPrepared,     // plan text
  kRun,          // -> kResultBatch ..., kQueryEnd
  kResultBatch,  // column batch
  kQueryEnd,     // QueryEnd
  kCancel,       // plugin -> node, while a query runs; no reply of its own
  kStatus,       // -> kNodeInfo
  kNodeInfo,

  // Changes of loaded tables (wire/changes.h).
  kApplyChanges = 64,  // ChangeBatch -> kApplied
  kApplied,            // Applied

  // Machine learning (wire/ml_messages.h); the node passes most of them on to a worker process.
  kMlStart = 96,  // MlStart -> kOk; waits for a free place
  kMlTable,       // MlTable: the batches that follow are its rows -> kOk
  kMlBatch,       // column batch -> kOk or, in a streaming operation, kMlOutput
  kMlRun,         // -> kMlProgress ..., kMlOutput ..., kMlDone
  kMlProgress,    // MlProgress
  kMlOutput,      // column batch of results
  kMlDone,        // MlDone
  kMlCall,        // MlCall: an operation without table -> kMlDone
};
inline constexpr uint8_t kLastMessageType = static_cast<uint8_t>(MessageType::kMlCall);

struct NodeInfo {
  std::string version;
  uint64_t instance = 0;   // differs for every start of the daemon
  uint32_t num_cores = 0;  // workers of a query
  uint64_t memory_limit_bytes = 0, memory_used_bytes = 0, table_bytes = 0;
  uint64_t start_time_us = 0;  // since the epoch
  uint64_t queries_run = 0, bytes_scanned = 0;
  uint32_t queries_running = 0, queries_queued = 0;
  bool ml_available = false;
  uint32_t ml_running = 0, ml_queued = 0;  // operations over tables
};

struct LoadedTable {
  plan::TableId id = 0;
  plan::TableSchema schema;
  plan::TableStatistics statistics;
  uint64_t load_start_us = 0, load_end_us = 0, last_queried_us = 0;  // since the epoch; 0: never
  uint64_t query_count = 0;
  uint64_t position = 0;  // of the server's binary log: the data is as of there (wire/changes.h)
  // What the plugin gave when the load was finished, so that it knows the data again: server and
  // version of the table. Opaque to the node.
  std::string origin;
};

struct QueryRequest {
  plan::Plan plan;
  uint64_t memory_limit_bytes = 0;  // 0: the node's default
  uint32_t num_workers = 0;         // 0: all cores
};

struct QueryWarning {
  uint32_t mysql_errno = 0;
  std::string message;
  uint64_t count = 0;
};

struct OperatorStats {
  uint32_t node_id = 0;
  std::string name;
  double estimated_rows = -1;
  uint64_t rows_out = 0, cpu_ns = 0, memory_peak_bytes = 0;
  std::string detail;
};

struct QueryEnd {
  uint64_t num_rows = 0;
  uint64_t queue_ns = 0, run_ns = 0;
  uint64_t memory_peak_bytes = 0, bytes_scanned = 0;
  std::vector<QueryWarning> warnings;
  std::vector<OperatorStats> operators;
};

std::string EncodeError(const Error& error);
Error DecodeError(std::string_view payload);
std::string EncodeNodeInfo(const NodeInfo& info);
Result<NodeInfo> DecodeNodeInfo(ByteReader* in);
void EncodeLoadedTable(const LoadedTable& table, ByteWriter* out);
Result<LoadedTable> DecodeLoadedTable(ByteReader* in);
std::string EncodeQueryRequest(const QueryRequest& request);
Result<QueryRequest> DecodeQueryRequest(std::string_view payload);
std::string EncodeQueryEnd(const QueryEnd& end);
Result<QueryEnd> DecodeQueryEnd(std::string_view payload);

}  // namespace sirocco::wire
