// Base64 (RFC 4648) for model objects in catalog tables.
#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace sirocco::plugin {

std::string EncodeBase64(std::string_view bytes);
// Passes over line breaks. kInvalidArgument: not Base64.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace sirocco::plugin
