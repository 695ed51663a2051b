#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

Result<Slot> BuildStringFunction(ExprCompiler& c, const ExprPtr& e) {
  return NotSupported(std::string("function ") + plan::ExprOpName(e->op) + " is not supported");
}

}  // namespace sirocco::engine
