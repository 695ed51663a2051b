// Window functions are left to MySQL until this engine has its own.
#include "engine/exec/breakers.h"

namespace sirocco::engine {

Result<std::unique_ptr<MaterializingSink>> MakeWindow(const plan::Node&, const BatchLayout&, const std::vector<ColumnId>&,
                                                      QueryContext*) {
  return NotSupported("window functions are not supported");
}

}  // namespace sirocco::engine
