// The last statements RAPID ran or refused, for performance_schema.rpd_query_stats and
// rpd_exec_stats. Threads: every method from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "wire/messages.h"

namespace sirocco::plugin {

struct QueryRecord {
  uint64_t query_id = 0;  // given by QueryHistory::Add
  uint64_t connection_id = 0, mysql_query_id = 0, statement_id = 0;
  std::string text;
  std::string logical_plan, physical_plan;
  std::chrono::system_clock::time_point start{}, end{};
  uint64_t prepare_ns = 0;  // translation and the node's preparation
  uint64_t send_ns = 0;     // executor's start to the last row sent
  wire::QueryEnd result;    // the node's figures; default if it did not run to its end
  std::string error;        // of a query that failed while running
  std::string refusal;      // why it was not run here; empty: it was
};

class QueryHistory {
 public:
  static constexpr size_t kCapacity = 1000;

  void Add(QueryRecord record);
  // A query id for something that is kept elsewhere.
  uint64_t TakeId();
  // Oldest first.
  std::vector<std::shared_ptr<const QueryRecord>> Records() const;
  uint64_t num_offloaded() const { return num_offloaded_; }
  uint64_t num_refused() const { return num_refused_; }
  uint64_t bytes_scanned() const { return bytes_scanned_; }

 private:
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const QueryRecord>> records_;
  uint64_t next_id_ = 1;
  std::atomic<uint64_t> num_offloaded_{0}, num_refused_{0}, bytes_scanned_{0};
};

QueryHistory& History();

// JSON texts of one record.
std::string ExecutionJson(const QueryRecord& record);     // QEXEC_TEXT: times, rows, memory, errors
std::string LogicalPlanJson(const QueryRecord& record);   // QKRN_TEXT
std::string PhysicalPlanJson(const QueryRecord& record);  // QEP_TEXT
std::string OperatorsJson(const QueryRecord& record);     // EXEC_TEXT: one object per operator

}  // namespace sirocco::plugin
