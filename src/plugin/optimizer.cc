#include "plugin/optimizer.h"

#include "sql/handler.h"
#include "sql/join_optimizer/access_path.h"
#include "sql/join_optimizer/make_join_hypergraph.h"

namespace sirocco::plugin {

void InstallOptimizerHooks(handlerton*) {}

}  // namespace sirocco::plugin
