// Runs the query that the optimize hook prepared on the node and sends its rows to the statement's
// Query_result.
#pragma once

class JOIN;
class Query_result;

namespace sirocco::plugin {

// The JOIN::override_executor_func of offloaded statements. The server calls it once per query
// block of the outermost query expression; the first call runs the whole expression, the others do
// nothing. True: an error was raised.
bool SendResult(JOIN* join, Query_result* result);

}  // namespace sirocco::plugin
