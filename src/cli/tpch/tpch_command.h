// `sirocco tpch load` and `sirocco tpch generate`.
#pragma once

namespace CLI {
class App;
}

namespace sirocco::cli {

// See cli/command.h.
void RegisterTpch(CLI::App& app, int& exit_code);

}  // namespace sirocco::cli
