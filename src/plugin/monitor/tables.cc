#include "plugin/monitor/tables.h"

namespace sirocco::plugin {

bool AddMonitoringTables() { return true; }
void RemoveMonitoringTables() {}

}  // namespace sirocco::plugin
