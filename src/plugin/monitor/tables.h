// performance_schema.rpd_*: registers the tables while the plugin is loaded.
#pragma once

namespace sirocco::plugin {

// False if performance_schema does not take them (it may be disabled).
bool AddMonitoringTables();
void RemoveMonitoringTables();

}  // namespace sirocco::plugin
