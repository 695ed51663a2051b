#include "plugin/monitor/history.h"

#include <ctime>
#include <nlohmann/json.hpp>

namespace sirocco::plugin {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double Milliseconds(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

// "2026-01-31 10:00:00.123456" in local time.
std::string TimeText(std::chrono::system_clock::time_point time) {
  const int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = micros / 1000000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[48];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
  std::snprintf(text + size, sizeof(text) - size, ".%06d", static_cast<int>(micros % 1000000));
  return text;
}

Json Lines(const std::string& text) {
  Json lines = Json::array();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace

void QueryHistory::Add(QueryRecord record) {
  if (record.refusal.empty()) {
    if (record.error.empty()) {
      num_offloaded_ += 1;
      bytes_scanned_ += record.result.bytes_scanned;
    }
  } else {
    num_refused_ += 1;
  }
  auto shared = std::make_shared<QueryRecord>(std::move(record));
  std::lock_guard lock(mutex_);
  shared->query_id = next_id_++;
  records_.push_back(std::move(shared));
  if (records_.size() > kCapacity) records_.pop_front();
}

uint64_t QueryHistory::TakeId() {
  std::lock_guard lock(mutex_);
  return next_id_++;
}

std::vector<std::shared_ptr<const QueryRecord>> QueryHistory::Records() const {
  std::lock_guard lock(mutex_);
  return {records_.begin(), records_.end()};
}

QueryHistory& History() {
  static QueryHistory history;
  return history;
}

std::string ExecutionJson(const QueryRecord& record) {
  Json json;
  json["queryId"] = record.query_id;
  json["sessionId"] = record.connection_id;
  json["queryStartTime"] = TimeText(record.start);
  json["queryEndTime"] = TimeText(record.end);
  json["totalQueryMsec"] =
      std::chrono::duration<double, std::milli>(record.end - record.start).count();
  if (!record.refusal.empty()) {
    json["refused"] = record.refusal;
    return Dump(json);
  }
  json["prepare"] = {{"msec", Milliseconds(record.prepare_ns)}};
  json["timeBetweenMakePushedJoinAndRpdExecMsec"] = Milliseconds(record.result.queue_ns);
  json["rpdExec"] = {{"msec", Milliseconds(record.result.run_ns)},
                     {"rows", record.result.num_rows},
                     {"memoryPeakBytes", record.result.memory_peak_bytes},
                     {"bytesScanned", record.result.bytes_scanned}};
  json["getResults"] = {{"msec", Milliseconds(record.send_ns)}};
  json["warnings"] = record.result.warnings.size();
  if (!record.error.empty()) json["error"] = record.error;
  return Dump(json);
}

std::string LogicalPlanJson(const QueryRecord& record) {
  Json json;
  json["sessionId"] = record.connection_id;
  json["queryId"] = record.query_id;
  json["plan"] = Lines(record.logical_plan);
  if (!record.error.empty()) json["error"] = record.error;
  return Dump(json);
}

std::string PhysicalPlanJson(const QueryRecord& record) {
  Json json;
  json["queryId"] = record.query_id;
  json["plan"] = Lines(record.physical_plan);
  return Dump(json);
}

std::string OperatorsJson(const QueryRecord& record) {
  Json operators = Json::array();
  for (const wire::OperatorStats& stats : record.result.operators) {
    Json json;
    json["nodeId"] = stats.node_id;
    json["operator"] = stats.name;
    if (stats.estimated_rows >= 0) json["estimatedRows"] = stats.estimated_rows;
    json["rows"] = stats.rows_out;
    json["cpuMsec"] = Milliseconds(stats.cpu_ns);
    json["memoryPeakBytes"] = stats.memory_peak_bytes;
    if (!stats.detail.empty()) json["detail"] = stats.detail;
    operators.push_back(std::move(json));
  }
  Json json;
  json["queryId"] = record.query_id;
  json["operators"] = std::move(operators);
  return Dump(json);
}

}  // namespace sirocco::plugin
