// What a benchmark report says about the machine, and processor time of server processes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sirocco::bench {

// Processor model, cores, memory, kernel and load average, as a JSON object.
nlohmann::json DescribeMachine();

// Processor time that a local process and its children have used so far, in milliseconds (kernel
// ticks: steps of 10 ms). 0 if the process does not exist.
double ProcessTreeCpuMs(int pid);

}  // namespace sirocco::bench
