// What Expr::unit says of a kCast: 0, or the following.
#pragma once

#include <cstdint>

namespace sirocco::plan {

// Text to a double: other than digits in it give no warning (TEXT and BLOB columns).
inline constexpr uint32_t kSilentCast = 1;
// Text to another character set: characters it lacks become question marks.
inline constexpr uint32_t kLossyCast = 2;

}  // namespace sirocco::plan
