// Keeps loaded tables equal to InnoDB: a thread that reads the server's binary log as it grows,
// sends the committed row changes of followed tables to the node, and knows up to where they have
// been applied.
//
// Life of a followed table: the loader takes CurrentLogEnd() and a hold on the file under its lock
// against writers, loads, then calls Follow, which returns once the table stands where all others
// stand; only then the registry publishes it. Unfollow before the node's table is dropped. A table
// that cannot follow is marked stale in the registry with the reason, and a reload is asked for.
//
// Freshness: everything that any session could see when WaitUntilFresh began is applied when it
// returns. Threads: every function from any thread; StartTail and StopTail from plugin init and
// deinit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/error.h"
#include "plugin/changes/followed_table.h"
#include "plugin/registry.h"
#include "wire/changes.h"

namespace sirocco::plugin {

void StartTail();
// Joins the thread. Idempotent.
void StopTail();

// Lets the table join the stream; reads what it has missed first. kCancelled if `killed` says so;
// other errors if it cannot follow (the log it needs was purged, the node is another one).
Result<void> Follow(FollowedTable table, const std::function<bool()>& killed);
void Unfollow(plan::TableId node_table, uint64_t node_epoch);
bool IsFollowed(plan::TableId node_table, uint64_t node_epoch);
// The table has a new name from the log's present end on. Call while nobody can write it.
void RenameFollowed(const TableName& from, const TableName& to);
// The node of that life is gone, with its tables.
void UnfollowAll(const std::string& reason);
// The log's files were deleted: nothing can be followed over it.
void NoteLogReset();

// kTimeout if the changes have not been applied within `timeout_ms`; kCancelled.
Result<void> WaitUntilFresh(int timeout_ms, const std::function<bool()>& killed);

struct TailStatus {
  bool is_running = false;  // a binary log is being read
  std::string log_file;
  wire::Position read = 0, applied = 0;
  WallTime no_gaps_since{};
  uint64_t num_gaps = 0;  // times that all tables had to be given up
  uint64_t num_transactions = 0, num_rows = 0, num_batches = 0;
  uint64_t median_delay_us = 0, high_delay_us = 0;  // commit to visible: p50, p99 of the last ones
  double lag_seconds = 0;                           // age of the oldest commit that is not applied
};
TailStatus GetTailStatus();

struct FollowedStatus {
  plan::TableId node_table = 0;
  uint64_t node_epoch = 0;
  wire::Position last_change = 0;  // applied
  WallTime last_change_time{};
};
std::vector<FollowedStatus> FollowedTables();

}  // namespace sirocco::plugin
