// Settings of one rapidd process, from its command line.
#pragma once

#include <cstdint>
#include <string>

namespace sirocco::node {

struct Options {
  std::string
      listen;  // "unix:/path" or "127.0.0.1:port"; other addresses are refused: there is no TLS yet
  std::string secret;                     // read from --secret-fd or --secret-file
  uint64_t memory_limit_bytes = 0;        // tables and queries together
  uint64_t query_memory_limit_bytes = 0;  // default per query; 0: the node's limit
  std::string temporary_folder;        // of rows that do not fit memory; empty: beside the socket
  uint64_t temporary_limit_bytes = 0;  // of all files there; 0: four times the memory limit
  std::string checkpoint_folder;       // of tables that come back at start; empty: none
  uint32_t num_threads = 0;            // workers per query
  uint32_t max_running_queries = 0;    // further ones wait
  std::string
      ml_worker;       // program of the machine-learning processes; empty: rapidd-ml beside rapidd
  int niceness = 0;    // of the whole process, 0 to 19: how far it steps back for others
  int parent_fd = -1;  // the daemon ends when this pipe is closed by the other side
};

}  // namespace sirocco::node
