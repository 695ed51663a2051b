// Factories of the pipeline breakers that aggregate, sort and combine sets. The compiler (exec/compiler) calls them; each lives in files of
// its own. All are exact, charge their memory to the query's pool, and are cancellable.
#pragma once

#include <memory>

#include "common/error.h"
#include "engine/exec/pipeline.h"
#include "plan/node.h"

namespace sirocco::engine {

// GROUP BY / aggregates / DISTINCT / ROLLUP of `node` (kind kAggregate) over batches of `input`. Picks registers, dense arrays or hash
// tables from ranges, dictionaries and what it sees. Output: the group columns, then the aggregates, in node order (ids as in the node).
Result<std::unique_ptr<MaterializingSink>> MakeAggregate(const plan::Node& node, const BatchLayout& input, QueryContext* context);

// Full sort or top-N of `node` (kind kSort; limit and offset applied). Output: the columns of `input` that are in `needed`, in sort order;
// its source has one morsel and delivers in order.
Result<std::unique_ptr<MaterializingSink>> MakeSort(const plan::Node& node, const BatchLayout& input,
                                                    const std::vector<ColumnId>& needed, QueryContext* context);

// Buffers all rows of the needed columns (shared subplans, build of cross joins, LIMIT).
Result<std::unique_ptr<MaterializingSink>> MakeMaterialize(const BatchLayout& input, const std::vector<ColumnId>& needed,
                                                           uint64_t limit, uint64_t offset, QueryContext* context);

// UNION DISTINCT, INTERSECT [ALL], EXCEPT [ALL]: one sink per input, in input order; the result is read from the last one's MakeSource.
// Input k's columns are node.set_inputs[k]. (UNION ALL is compiled to a source over several pipelines.)
Result<std::vector<std::unique_ptr<MaterializingSink>>> MakeSetOperation(const plan::Node& node,
                                                                         const std::vector<BatchLayout>& inputs,
                                                                         QueryContext* context);

// One window definition (kind kWindow). Output: all needed columns of the input plus the calls' columns.
Result<std::unique_ptr<MaterializingSink>> MakeWindow(const plan::Node& node, const BatchLayout& input,
                                                      const std::vector<ColumnId>& needed, QueryContext* context);

}  // namespace sirocco::engine
