#include "commands.h"

namespace sirocco::bench {

void RunSeries(const std::string&, size_t) {}

}  // namespace sirocco::bench
