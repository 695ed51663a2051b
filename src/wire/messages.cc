#include "wire/messages.h"

#include "plan/codec.h"

namespace sirocco::wire {

namespace {

std::unexpected<Error> Malformed(const char* what) {
  return MakeError(ErrorCode::kInvalidArgument, std::string("malformed message: ") + what);
}

void PutNodeInfo(const NodeInfo& info, ByteWriter* out) {
  out->PutString(info.version);
  out->Put(info.instance);
  out->Put(info.num_cores);
  out->Put(info.memory_limit_bytes);
  out->Put(info.memory_used_bytes);
  out->Put(info.table_bytes);
  out->Put(info.start_time_us);
  out->Put(info.queries_run);
  out->Put(info.bytes_scanned);
  out->Put(info.queries_running);
  out->Put(info.queries_queued);
  out->Put(static_cast<uint8_t>(info.ml_available));
  out->Put(info.ml_running);
  out->Put(info.ml_queued);
}

}  // namespace

std::string EncodeError(const Error& error) {
  ByteWriter out;
  out.Put(static_cast<uint8_t>(error.code));
  out.Put(error.mysql_errno);
  out.PutString(error.message);
  return out.Take();
}

Error DecodeError(std::string_view payload) {
  ByteReader in(payload);
  Error error;
  error.code = in.GetEnum(ErrorCode::kInternal, ErrorCode::kMysql);
  error.mysql_errno = in.Get<uint32_t>();
  error.message = in.GetString();
  if (!in.ok()) return Error{ErrorCode::kInternal, 0, "malformed error message"};
  return error;
}

std::string EncodeNodeInfo(const NodeInfo& info) {
  ByteWriter out;
  PutNodeInfo(info, &out);
  return out.Take();
}

Result<NodeInfo> DecodeNodeInfo(ByteReader* in) {
  NodeInfo info;
  info.version = in->GetString();
  info.instance = in->Get<uint64_t>();
  info.num_cores = in->Get<uint32_t>();
  info.memory_limit_bytes = in->Get<uint64_t>();
  info.memory_used_bytes = in->Get<uint64_t>();
  info.table_bytes = in->Get<uint64_t>();
  info.start_time_us = in->Get<uint64_t>();
  info.queries_run = in->Get<uint64_t>();
  info.bytes_scanned = in->Get<uint64_t>();
  info.queries_running = in->Get<uint32_t>();
  info.queries_queued = in->Get<uint32_t>();
  info.ml_available = in->GetBool();
  info.ml_running = in->Get<uint32_t>();
  info.ml_queued = in->Get<uint32_t>();
  if (!in->ok()) return Malformed("node information");
  return info;
}

void EncodeLoadedTable(const LoadedTable& table, ByteWriter* out) {
  out->Put(table.id);
  plan::EncodeTableSchema(table.schema, out);
  plan::EncodeTableStatistics(table.statistics, out);
  out->Put(table.load_start_us);
  out->Put(table.load_end_us);
  out->Put(table.last_queried_us);
  out->Put(table.query_count);
  out->Put(table.position);
  out->PutString(table.origin);
}

Result<LoadedTable> DecodeLoadedTable(ByteReader* in) {
  LoadedTable table;
  table.id = in->Get<uint64_t>();
  ASSIGN_OR_RETURN(table.schema, plan::DecodeTableSchema(in));
  ASSIGN_OR_RETURN(table.statistics, plan::DecodeTableStatistics(in));
  table.load_start_us = in->Get<uint64_t>();
  table.load_end_us = in->Get<uint64_t>();
  table.last_queried_us = in->Get<uint64_t>();
  table.query_count = in->Get<uint64_t>();
  table.position = in->Get<uint64_t>();
  table.origin = in->GetString();
  if (!in->ok() || table.statistics.columns.size() != table.schema.columns.size())
    return Malformed("loaded table");
  return table;
}

std::string EncodeQueryRequest(const QueryRequest& request) {
  ByteWriter out;
  out.Put(request.memory_limit_bytes);
  out.Put(request.num_workers);
  plan::EncodePlan(request.plan, &out);
  return out.Take();
}

Result<QueryRequest> DecodeQueryRequest(std::string_view payload) {
  ByteReader in(payload);
  QueryRequest request;
  request.memory_limit_bytes = in.Get<uint64_t>();
  request.num_workers = in.Get<uint32_t>();
  ASSIGN_OR_RETURN(request.plan, plan::DecodePlan(&in));
  if (!in.ok() || !in.AtEnd()) return Malformed("query request");
  return request;
}

std::string EncodeQueryEnd(const QueryEnd& end) {
  ByteWriter out;
  out.Put(end.num_rows);
  out.Put(end.queue_ns);
  out.Put(end.run_ns);
  out.Put(end.memory_peak_bytes);
  out.Put(end.bytes_scanned);
  out.Put(static_cast<uint32_t>(end.warnings.size()));
  for (const QueryWarning& warning : end.warnings) {
    out.Put(warning.mysql_errno);
    out.PutString(warning.message);
    out.Put(warning.count);
  }
  out.Put(static_cast<uint32_t>(end.operators.size()));
  for (const OperatorStats& stats : end.operators) {
    out.Put(stats.node_id);
    out.PutString(stats.name);
    out.Put(stats.estimated_rows);
    out.Put(stats.rows_out);
    out.Put(stats.cpu_ns);
    out.Put(stats.memory_peak_bytes);
    out.PutString(stats.detail);
  }
  return out.Take();
}

Result<QueryEnd> DecodeQueryEnd(std::string_view payload) {
  ByteReader in(payload);
  QueryEnd end;
  end.num_rows = in.Get<uint64_t>();
  end.queue_ns = in.Get<uint64_t>();
  end.run_ns = in.Get<uint64_t>();
  end.memory_peak_bytes = in.Get<uint64_t>();
  end.bytes_scanned = in.Get<uint64_t>();
  const uint32_t num_warnings = in.GetCount(16);
  for (uint32_t i = 0; i < num_warnings && in.ok(); ++i) {
    QueryWarning warning;
    warning.mysql_errno = in.Get<uint32_t>();
    warning.message = in.GetString();
    warning.count = in.Get<uint64_t>();
    end.warnings.push_back(std::move(warning));
  }
  const uint32_t num_operators = in.GetCount(16);
  for (uint32_t i = 0; i < num_operators && in.ok(); ++i) {
    OperatorStats stats;
    stats.node_id = in.Get<uint32_t>();
    stats.name = in.GetString();
    stats.estimated_rows = in.Get<double>();
    stats.rows_out = in.Get<uint64_t>();
    stats.cpu_ns = in.Get<uint64_t>();
    stats.memory_peak_bytes = in.Get<uint64_t>();
    stats.detail = in.GetString();
    end.operators.push_back(std::move(stats));
  }
  if (!in.ok() || !in.AtEnd()) return Malformed("end of query");
  return end;
}

}  // namespace sirocco::wire
