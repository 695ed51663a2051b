// Expected run time of a query from the rows of the tables it reads, learned from the queries that
// ran. Good enough to tell short from long. Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace sirocco::node {

class DurationModel {
 public:
  std::chrono::nanoseconds Expect(uint64_t rows_read) const {
    return std::chrono::nanoseconds(
        static_cast<int64_t>(static_cast<double>(rows_read) * ns_per_row_.load()));
  }
  void Learn(uint64_t rows_read, std::chrono::nanoseconds took) {
    if (rows_read < kMinRows) return;  // such a query measures its fixed cost
    const double seen = static_cast<double>(took.count()) / static_cast<double>(rows_read);
    ns_per_row_ = ns_per_row_ + kWeight * (seen - ns_per_row_);
  }

 private:
  static constexpr uint64_t kMinRows = 100000;
  static constexpr double kWeight = 0.1;  // of the latest query
  std::atomic<double> ns_per_row_{5};
};

}  // namespace sirocco::node
