// Assertions about our own code. CHECK stays in release builds; DCHECK is for hot loops and vanishes with NDEBUG.
// Never use either on bytes that came from outside (files, sockets, other processes): those get a Result.
#pragma once

namespace sirocco {

// Prints "file:line: check failed: text" to standard error and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* text);

}  // namespace sirocco

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) [[unlikely]]                                         \
      ::sirocco::CheckFailed(__FILE__, __LINE__, #condition);              \
  } while (0)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
  } while (false && (condition))
#else
#define DCHECK(condition) CHECK(condition)
#endif
