#include "plugin/server_log.h"

#include <atomic>
#include <cstdio>

#include "mysql/plugin.h"
#include "mysql/service_my_plugin_log.h"

namespace sirocco::plugin {
namespace {

std::atomic<void*> log_plugin{nullptr};

void Log(plugin_log_level level, const std::string& message) {
  void* plugin = log_plugin.load();
  if (plugin == nullptr) {
    std::fprintf(stderr, "RAPID: %s\n", message.c_str());
    return;
  }
  my_plugin_log_message(&plugin, level, "%s", message.c_str());
}

}  // namespace

void SetLogPlugin(void* plugin) { log_plugin = plugin; }
void* LogPlugin() { return log_plugin.load(); }
void LogError(const std::string& message) { Log(MY_ERROR_LEVEL, message); }
void LogWarning(const std::string& message) { Log(MY_WARNING_LEVEL, message); }
void LogNote(const std::string& message) { Log(MY_INFORMATION_LEVEL, message); }

}  // namespace sirocco::plugin
