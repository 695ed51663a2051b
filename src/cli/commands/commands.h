// The commands on DB systems, one file each; see cli/command.h for the contract of these functions.
#pragma once

#include <CLI/App.hpp>

namespace sirocco::cli {

void RegisterUp(CLI::App& app, int& exit_code);
void RegisterDown(CLI::App& app, int& exit_code);
void RegisterRestart(CLI::App& app, int& exit_code);
void RegisterStatus(CLI::App& app, int& exit_code);
void RegisterList(CLI::App& app, int& exit_code);
void RegisterSql(CLI::App& app, int& exit_code);
void RegisterLogs(CLI::App& app, int& exit_code);
void RegisterDestroy(CLI::App& app, int& exit_code);
void RegisterQuickstart(CLI::App& app, int& exit_code);
void RegisterCoverage(CLI::App& app, int& exit_code);
void RegisterVersion(CLI::App& app, int& exit_code);

}  // namespace sirocco::cli
