// JSON text to MySQL's binary JSON, byte for byte what the server stores for the same text: keys
// sorted by length, the last of equal keys kept, integers in the smallest form, other numbers as
// doubles.
//
// Threads: pure function. Errors: kInvalidArgument with the reason and the position; depth above
// 100 and documents above 4 GB are refused, as in the server.
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::lakehouse {

Result<std::string> JsonTextToBinary(std::string_view text);

}  // namespace sirocco::lakehouse
