#include "engine/expr/compiler.h"
#include "engine/expr/steps.h"

namespace sirocco::engine {

Result<Slot> BuildCast(Compiler& c, const ExprPtr& e) {
  return NotSupported(std::string("function ") + plan::ExprOpName(e->op) + " is not supported");
}

}  // namespace sirocco::engine
namespace sirocco::engine {
Result<Slot> Compiler::ToString(Slot slot, const plan::Type& type) { return NotSupported("x"); }
}
