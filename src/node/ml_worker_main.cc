// rapidd-ml: a machine-learning process of a node. Started by rapidd, with a socket to it.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <thread>

#include "node/ml_worker.h"

namespace sirocco::node {
namespace {

// A busy process does not look at its socket; it must not outlive the node all the same.
void WatchParent(pid_t parent) {
  std::thread([parent] {
    while (::getppid() == parent) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ::_exit(0);
  }).detach();
}

int Main(int argc, char** argv) {
  CLI::App app("rapidd-ml: a machine-learning process of a rapidd node", "rapidd-ml");
  int socket_fd = -1, parent_pid = -1;
  uint32_t num_threads = 1;
  app.add_option("--socket-fd", socket_fd, "The connected socket to the node")->required();
  app.add_option("--parent-pid", parent_pid, "End when this is no longer the parent process");
  app.add_option("--threads", num_threads, "Threads for computing");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  if (parent_pid > 0) WatchParent(parent_pid);
  MlWorker(wire::Socket(socket_fd), num_threads).Run();
  ::_exit(0);
}

}  // namespace
}  // namespace sirocco::node

int main(int argc, char** argv) { return sirocco::node::Main(argc, argv); }
