#include "node/log.h"

#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <string>

namespace sirocco::node {

namespace {

void Write(const char* level, std::string_view text) {
  timeval now;
  gettimeofday(&now, nullptr);
  tm utc;
  gmtime_r(&now.tv_sec, &utc);
  char stamp[64];
  const size_t size = std::strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(stamp + size, sizeof(stamp) - size, ".%06ldZ", static_cast<long>(now.tv_usec));
  const std::string line = std::string(stamp) + " [" + level + "] " + std::string(text) + "\n";
  // One write call per line keeps lines of different threads apart; there is nobody to tell if it
  // fails.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

void LogNote(std::string_view text) { Write("note", text); }
void LogWarning(std::string_view text) { Write("warning", text); }
void LogError(std::string_view text) { Write("error", text); }

}  // namespace sirocco::node
