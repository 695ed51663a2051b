// A second plugin of the same library, RAPID_ML_ARGUMENTS: completes calls of machine-learning
// routines before the server parses them (argument_completion.h).
#pragma once

struct st_mysql_audit;

namespace sirocco::plugin {

// For the plugin's declaration.
extern st_mysql_audit kArgumentRewriter;

}  // namespace sirocco::plugin
