// Machine-learning operations for performance_schema.rpd_query_stats: those that run and the last
// kCapacity that ended. Threads: every method from any thread.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sirocco::plugin {

// One operation: its stages so far.
class MlRecord {
 public:
  MlRecord(uint64_t query_id, uint64_t connection_id, uint64_t statement_id, std::string text);

  // A new stage begins, the former is completed. The fraction is of the whole, 0 to 1.
  void SetProgress(const std::string& stage, double fraction);
  void SetMemoryPeak(uint64_t bytes);
  // Empty error: it was completed.
  void End(const std::string& error);

  uint64_t query_id() const { return query_id_; }
  uint64_t connection_id() const { return connection_id_; }
  uint64_t statement_id() const { return statement_id_; }
  const std::string& text() const { return text_; }
  // QEXEC_TEXT.
  std::string ExecutionJson() const;

 private:
  using Time = std::chrono::system_clock::time_point;
  struct Stage {
    std::string name;
    Time start, end;
  };

  const uint64_t query_id_, connection_id_, statement_id_;
  const std::string text_;
  const Time start_;
  mutable std::mutex mutex_;
  std::vector<Stage> stages_;
  double fraction_ = 0;
  uint64_t memory_peak_bytes_ = 0;
  Time end_{};
  bool is_ended_ = false;
  std::string error_;
};

class MlHistory {
 public:
  static constexpr size_t kCapacity = 100;
  std::shared_ptr<MlRecord> Begin(uint64_t connection_id, uint64_t statement_id,
                                  const std::string& text);
  void End(const std::shared_ptr<MlRecord>& record, const std::string& error);
  // Ended ones first, then the running ones.
  std::vector<std::shared_ptr<const MlRecord>> Records() const;

 private:
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<MlRecord>> running_, ended_;
};

MlHistory& TheMlHistory();

}  // namespace sirocco::plugin
