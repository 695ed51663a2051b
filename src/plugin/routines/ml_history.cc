#include "plugin/routines/ml_history.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "plugin/monitor/history.h"

namespace sirocco::plugin {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::system_clock;

// "04/22/2025, 15:09:23:287333 UTC".
std::string TimeText(Clock::time_point time) {
  const int64_t micros =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = micros / 1000000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[64];
  const size_t size = std::strftime(text, sizeof(text), "%m/%d/%Y, %H:%M:%S", &utc);
  std::snprintf(text + size, sizeof(text) - size, ":%06d UTC", static_cast<int>(micros % 1000000));
  return text;
}

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

MlRecord::MlRecord(uint64_t query_id, uint64_t connection_id, uint64_t statement_id,
                   std::string text)
    : query_id_(query_id),
      connection_id_(connection_id),
      statement_id_(statement_id),
      text_(std::move(text)),
      start_(Clock::now()) {}

void MlRecord::SetProgress(const std::string& stage, double fraction) {
  std::lock_guard lock(mutex_);
  fraction_ = std::clamp(std::max(fraction, fraction_), 0.0, 1.0);
  if (!stages_.empty() && stages_.back().name == stage) return;
  const Time now = Clock::now();
  if (!stages_.empty()) stages_.back().end = now;
  stages_.push_back({stage, now, {}});
}

void MlRecord::SetMemoryPeak(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  memory_peak_bytes_ = bytes;
}

void MlRecord::End(const std::string& error) {
  std::lock_guard lock(mutex_);
  is_ended_ = true;
  end_ = Clock::now();
  error_ = error;
  if (error.empty()) {
    fraction_ = 1;
    if (!stages_.empty()) stages_.back().end = end_;
  }
}

std::string MlRecord::ExecutionJson() const {
  std::lock_guard lock(mutex_);
  const auto state = [&](bool completed) {
    return completed ? "Completed" : is_ended_ ? "Error" : "In Progress";
  };
  Json json;
  json["status"] = state(is_ended_ && error_.empty());
  Json completed = Json::array(), items = Json::array();
  for (const Stage& stage : stages_) {
    const bool is_completed = stage.end != Time{};
    if (is_completed) completed.push_back(stage.name);
    Json item;
    item["type"] = stage.name;
    item["status"] = state(is_completed);
    item["startTime"] = TimeText(stage.start);
    item["runTime"] = is_completed ? Json(Seconds(stage.end - stage.start)) : Json();
    items.push_back(std::move(item));
  }
  json["completedSteps"] = std::move(completed);
  json["completionPercentage"] = static_cast<int>(fraction_ * 100);
  json["totalRunTime"] = is_ended_ ? Json(Seconds(end_ - start_)) : Json();
  json["startTime"] = TimeText(start_);
  json["progressItems"] = std::move(items);
  if (memory_peak_bytes_ != 0) json["memoryPeakBytes"] = memory_peak_bytes_;
  if (!error_.empty()) json["error"] = error_;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::shared_ptr<MlRecord> MlHistory::Begin(uint64_t connection_id, uint64_t statement_id,
                                           const std::string& text) {
  auto record = std::make_shared<MlRecord>(History().TakeId(), connection_id, statement_id, text);
  std::lock_guard lock(mutex_);
  running_.push_back(record);
  return record;
}

void MlHistory::End(const std::shared_ptr<MlRecord>& record, const std::string& error) {
  record->End(error);
  std::lock_guard lock(mutex_);
  std::erase(running_, record);
  ended_.push_back(record);
  if (ended_.size() > kCapacity) ended_.pop_front();
}

std::vector<std::shared_ptr<const MlRecord>> MlHistory::Records() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const MlRecord>> records(ended_.begin(), ended_.end());
  records.insert(records.end(), running_.begin(), running_.end());
  return records;
}

MlHistory& TheMlHistory() {
  static MlHistory history;
  return history;
}

}  // namespace sirocco::plugin
