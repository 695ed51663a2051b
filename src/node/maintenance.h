// The node's background thread: merges of tables that have changed, and checkpoints.
//
// Merges: tables at rest are tidied completely; tables under change only when enough has gathered.
// Checkpoints: each table has one file in the folder, named after the table's identity, written
// after the load, and again when the table rests after changes or has changed for a while; a small
// file beside it keeps the position of a table that did not change meanwhile. At start the tables
// of the folder come back; a file that cannot be read is removed, and its table loaded anew by the
// plugin. Format and file names: docs/storage.md.
//
// Threads: Open and Stop from one thread, Forget from any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "common/error.h"
#include "node/catalogue.h"

namespace sirocco::node {

class Maintenance {
 public:
  // `folder` empty: no checkpoints.
  Maintenance(Catalogue* catalogue, std::string folder, uint32_t num_threads)
      : catalogue_(catalogue), folder_(std::move(folder)), num_threads_(num_threads) {}
  ~Maintenance() { Stop(); }

  // Brings the tables of the folder back, then starts the thread. Fails if the folder cannot be
  // used, or another process uses it.
  Result<void> Open();
  void Stop();
  // Removes the files of a table that has left the catalogue.
  void Forget(uint64_t identity);

 private:
  // What is known of a table.
  struct State {
    uint64_t seen_version = 0, changed_at_us = 0;
    uint64_t tidy_version = ~uint64_t{0};  // merged completely as of this version
    uint64_t retry_at_us = 0;              // after an error
    bool has_checkpoint = false;
    uint64_t checkpoint_version = 0, checkpoint_at_us = 0, checkpoint_us = 0 /* it took */;
    uint64_t checksum = 0, position = 0, position_at_us = 0;
  };

  Result<void> OpenFolder();
  void RestoreTables();
  Result<void> RestoreTable(const std::string& file);
  void Run();
  void Tend(const Catalogue::LiveTable& table, State* state);
  Result<void> Merge(engine::TableStore* table, bool at_rest);
  Result<void> WriteCheckpoint(const Catalogue::LiveTable& table, State* state);
  Result<void> WritePosition(const Catalogue::LiveTable& table, State* state);
  std::string PathOf(uint64_t identity, const char* suffix) const;

  Catalogue* catalogue_;
  const std::string folder_;
  const uint32_t num_threads_;
  int lock_fd_ = -1;
  std::map<uint64_t, State> states_;  // by identity
  std::mutex states_mutex_;           // while tables come back
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stop_{false};
};

}  // namespace sirocco::node
