// Old scripts leave out the options argument of the machine-learning routines; a stored routine has
// no optional arguments. Before a statement is parsed, NULL is put where the argument is missing.
// No server headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sirocco::plugin {

// The statement with the missing arguments; nullopt if none is missing, which is nearly always.
// Text in strings, comments and quoted names is passed over.
std::optional<std::string> CompleteArguments(std::string_view statement);

}  // namespace sirocco::plugin
