#include "commands.h"

namespace sirocco::bench {

void RunAnomalies(size_t) {}

}  // namespace sirocco::bench
