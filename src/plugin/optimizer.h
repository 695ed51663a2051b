// The optimizer hooks of RAPID. The node orders joins itself from its own statistics, so what matters here is that the
// server's join enumeration ends quickly and gives a complete, decorrelated plan.
#pragma once

struct handlerton;

namespace sirocco::plugin {

void InstallOptimizerHooks(handlerton* engine);

}  // namespace sirocco::plugin
