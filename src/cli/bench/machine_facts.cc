#include "cli/bench/machine_facts.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/machine.h"

namespace sirocco::bench {
namespace {

std::string ProcessorModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t at = line.find(": ");
    if (at != std::string::npos) return line.substr(at + 2);
  }
  return "unknown";
}

struct ProcessTimes {
  int parent = 0;
  double cpu_ms = 0;
};

// Reads /proc/PID/stat. The name in parentheses may hold anything, so fields are counted from the
// last ')'.
ProcessTimes ReadProcessTimes(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(file, line)) return {};
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  ProcessTimes times;
  std::string state, skipped;
  fields >> state >> times.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  times.cpu_ms = (user + system) * 1000 / static_cast<double>(sysconf(_SC_CLK_TCK));
  return times;
}

}  // namespace

nlohmann::json DescribeMachine() {
  utsname kernel;
  uname(&kernel);
  double load[3] = {0, 0, 0};
  getloadavg(load, 3);
  return {{"cpu", ProcessorModel()},
          {"cores", cli::MachineCores()},
          {"memory_bytes", cli::MachineMemoryBytes()},
          {"kernel", std::string(kernel.sysname) + " " + kernel.release},
          {"load_average_at_start", load[0]}};
}

double ProcessTreeCpuMs(int pid) {
  if (pid <= 0) return 0;
  double total = ReadProcessTimes(std::to_string(pid)).cpu_ms;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const ProcessTimes times = ReadProcessTimes(name);
    if (times.parent == pid) total += times.cpu_ms;
  }
  return total;
}

}  // namespace sirocco::bench
