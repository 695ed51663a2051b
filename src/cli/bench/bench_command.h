// `sirocco bench tpch`.
#pragma once

namespace CLI {
class App;
}

namespace sirocco::cli {

// See cli/command.h.
void RegisterBench(CLI::App& app, int& exit_code);

}  // namespace sirocco::cli
