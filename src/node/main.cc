// rapidd: a node. It holds tables in memory and runs queries on them for the RAPID plugin of a
// MySQL server.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "engine/exec/debug_settings.h"
#include "mysqlsem/collation.h"
#include "node/log.h"
#include "node/node.h"
#include "node/server.h"

namespace sirocco::node {
namespace {

Server* running_server = nullptr;

void OnSignal(int) { running_server->Stop(); }

uint64_t PhysicalMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

Result<std::string> ReadSecret(int fd, const std::string& file) {
  std::string secret;
  if (!file.empty()) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return MakeError(ErrorCode::kIo, "cannot read the secret file " + file);
    secret.assign(std::istreambuf_iterator<char>(in), {});
  } else {
    char buffer[256];
    ssize_t got;
    while ((got = ::read(fd, buffer, sizeof(buffer))) > 0)
      secret.append(buffer, static_cast<size_t>(got));
    ::close(fd);
  }
  if (secret.size() < 16)
    return MakeError(ErrorCode::kInvalidArgument, "the secret must have at least 16 bytes");
  return secret;
}

// Ends the process when the supervisor's end of the pipe is closed, however the supervisor died.
void WatchParent(int fd, Server* server) {
  std::thread([fd, server] {
    pollfd waiting{fd, POLLIN, 0};
    char byte;
    for (;;) {
      ::poll(&waiting, 1, -1);
      if (::read(fd, &byte, 1) == 0) break;
    }
    LogNote("the supervisor has gone; shutting down");
    server->Stop();
  }).detach();
}

int Main(int argc, char** argv) {
  CLI::App app("rapidd: holds tables in memory and runs queries for the RAPID plugin", "rapidd");
  Options options;
  int secret_fd = -1;
  std::string secret_file, log_file;
  app.add_option("--listen", options.listen, "unix:/path or 127.0.0.1:port")->required();
  auto* fd_option = app.add_option("--secret-fd", secret_fd,
                                   "Read the shared secret from this descriptor until its end");
  app.add_option("--secret-file", secret_file, "Read the shared secret from this file")
      ->excludes(fd_option);
  app.add_option("--memory-limit", options.memory_limit_bytes,
                 "Bytes for tables and queries together (default: half of the machine)");
  app.add_option("--query-memory-limit", options.query_memory_limit_bytes,
                 "Bytes for one query (default: the memory limit)");
  app.add_option("--temporary-folder", options.temporary_folder,
                 "Folder for rows of queries beyond their memory (default: beside the socket)");
  app.add_option("--temporary-limit", options.temporary_limit_bytes,
                 "Bytes of all temporary files (default: four times the memory limit)");
  app.add_option("--checkpoint-folder", options.checkpoint_folder,
                 "Folder of table checkpoints, from which tables come back (default: none)");
  bool debug_spill = false;
  app.add_flag("--debug-force-spill", debug_spill,
               "Tests: operators that can go to disk do so at once");
  app.add_option("--threads", options.num_threads,
                 "Threads that work on one query (default: all cores)");
  app.add_option("--max-running-queries", options.max_running_queries,
                 "Queries that run at once; others wait (default: 4 + twice the threads)");
  app.add_option("--ml-worker", options.ml_worker,
                 "Program of the machine-learning processes (default: rapidd-ml beside rapidd)");
  app.add_option("--nice", options.niceness,
                 "Steps back for other processes, as nice(1) (0 to 19, default: 0)")
      ->check(CLI::Range(0, 19));
  app.add_option("--parent-fd", options.parent_fd, "End when the other side closes this pipe");
  app.add_option("--log", log_file, "Append the log to this file (default: standard error)");
  CLI11_PARSE(app, argc, argv);

  if (!log_file.empty()) {
    const int fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0) {
      std::fprintf(stderr, "rapidd: cannot open the log file %s\n", log_file.c_str());
      return 1;
    }
    ::dup2(fd, STDERR_FILENO);
    ::dup2(fd, STDOUT_FILENO);
    ::close(fd);
  }
  if (secret_fd < 0 && secret_file.empty()) {
    std::fprintf(stderr, "rapidd: --secret-fd or --secret-file is needed\n");
    return 1;
  }
  Result<std::string> secret = ReadSecret(secret_fd, secret_file);
  if (!secret) {
    std::fprintf(stderr, "rapidd: %s\n", secret.error().message.c_str());
    return 1;
  }
  options.secret = *secret;
  if (options.memory_limit_bytes == 0) options.memory_limit_bytes = PhysicalMemoryBytes() / 2;
  if (options.num_threads == 0)
    options.num_threads = std::max(1u, std::thread::hardware_concurrency());
  if (options.max_running_queries == 0) options.max_running_queries = 4 + 2 * options.num_threads;

  if (options.temporary_limit_bytes == 0)
    options.temporary_limit_bytes = 4 * options.memory_limit_bytes;
  if (options.temporary_folder.empty())
    options.temporary_folder = options.listen.starts_with("unix:")
                                   ? options.listen.substr(5) + ".tmp"
                                   : std::filesystem::temp_directory_path().string() + "/rapidd-" +
                                         std::to_string(::getpid());
  // The plugin that starts the node passes these variables on.
  Result<engine::DebugSettings> debug = engine::ReadDebugSettings();
  if (debug) {
    debug->force_spill |= debug_spill;
    if (debug->threads != 0) options.num_threads = debug->threads;
    if (Result<void> applied = engine::ApplyDebugSettings(*debug); !applied)
      debug = std::unexpected(applied.error());
  }
  if (!debug) {
    LogError(debug.error().message);
    return 1;
  }
  if (const std::string text = engine::DebugSettingsText(*debug); !text.empty())
    LogNote("debug settings:" + text);

  // Before any thread is made: threads inherit it.
  if (options.niceness != 0 && ::setpriority(PRIO_PROCESS, 0, options.niceness) != 0)
    LogWarning("the priority could not be lowered");

  mysqlsem::InitializeCollations();
  Node node(options);
  if (Result<void> opened = node.spill()->Open(); !opened) {
    LogError(opened.error().message);
    return 1;
  }
  if (Result<void> opened = node.maintenance()->Open(); !opened) {
    LogError(opened.error().message);
    return 1;
  }
  Server server(&node);
  if (Result<void> listening = server.Listen(); !listening) {
    LogError(listening.error().message);
    return 1;
  }
  running_server = &server;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, OnSignal);
  std::signal(SIGINT, OnSignal);
  if (options.parent_fd >= 0) WatchParent(options.parent_fd, &server);
  LogNote("rapidd listens on " + options.listen + " with " + std::to_string(options.num_threads) +
          " threads and " + std::to_string(options.memory_limit_bytes >> 20) + " MB");
  server.Serve();
  node.maintenance()->Stop();
  LogNote("rapidd has stopped");
  // Sessions are gone; detached watcher threads must not see static destructors.
  std::_Exit(0);
}

}  // namespace
}  // namespace sirocco::node

int main(int argc, char** argv) { return sirocco::node::Main(argc, argv); }
