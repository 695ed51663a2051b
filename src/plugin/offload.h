// The handlerton hooks that decide whether a statement runs in RAPID and start it there. Order of
// events and what each hook may do: reference "mysql-9.7-hooks", sections 1 to 3. Everything that
// can be refused is refused in these hooks, before any row flows, because the server can still run
// the statement in InnoDB then.
#pragma once

#include <string_view>

class THD;
struct LEX;
struct handlerton;

namespace sirocco::plugin {

// Sets the offload hooks of the handlerton.
void InstallOffloadHooks(handlerton* engine);

}  // namespace sirocco::plugin
