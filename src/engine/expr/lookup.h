// Expressions over one dictionary column: evaluated once per distinct value, then looked up by
// code.
#pragma once

#include <memory>

#include "engine/expr/compiler.h"

namespace sirocco::engine {

class LookupTable;

// True if the expression reads exactly one column, in lane kCode, and a table over its dictionary
// may pay.
bool IsLookupCandidate(const plan::Expr& expr, const BatchLayout& input);

// Compiles the expression over single values of the column. nullptr (no error) if it may raise
// errors or warnings: these must be raised per row.
Result<std::shared_ptr<LookupTable>> MakeLookup(const plan::ExprPtr& expr, const ColumnInfo& column,
                                                QueryContext* context, ProgramMemory* memory);
// Adds the step that maps the codes.
Slot AddLookup(ExprCompiler& compiler, std::shared_ptr<LookupTable> table, Slot codes);

}  // namespace sirocco::engine
