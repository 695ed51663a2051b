// Lines in the server's error log, as "Plugin RAPID reported: '...'". Threads: any.
#pragma once

#include <string>

namespace sirocco::plugin {

// Before it is set, messages go to standard error. `plugin` is the server's st_plugin_int.
void SetLogPlugin(void* plugin);
// The same object, nullptr before; also what session threads are made for.
void* LogPlugin();

void LogError(const std::string& message);
void LogWarning(const std::string& message);
void LogNote(const std::string& message);

}  // namespace sirocco::plugin
