// The operations behind the sys routines, by name. Each checks its arguments, does its work with
// the caller's privileges and returns what the routine hands back: a handle, a score, a JSON text,
// or nothing. Errors carry HeatWave's numbers in their texts ("ML001016: ...").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "plugin/routines/caller.h"

class THD;

namespace sirocco::plugin {

// nullopt: NULL.
using Argument = std::optional<std::string_view>;
using Arguments = std::vector<Argument>;
using Answered = Result<std::optional<std::string>>;

Answered RunOperation(THD* thd, std::string_view name, const Arguments& arguments);

// The handle, which must be there.
Result<std::string> HandleOf(const Argument& argument);

// Each on the thread of the caller's work.
Answered Train(Caller& caller, const Arguments& arguments);
Answered Explain(Caller& caller, const Arguments& arguments);
Answered PredictTable(Caller& caller, const Arguments& arguments);
Answered ExplainTable(Caller& caller, const Arguments& arguments);
Answered Score(Caller& caller, const Arguments& arguments);
Answered LoadModel(Caller& caller, const Arguments& arguments);
Answered UnloadModel(Caller& caller, const Arguments& arguments);
Answered ActiveModels(Caller& caller, const Arguments& arguments);
Answered ExportModel(Caller& caller, const Arguments& arguments);
Answered ImportModel(Caller& caller, const Arguments& arguments);
Answered SplitTable(Caller& caller, const Arguments& arguments);

}  // namespace sirocco::plugin
