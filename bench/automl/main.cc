// automl-bench: the AutoML library's quality and times on tables and series in files; README.md.
#include <CLI/CLI.hpp>

#include "commands.h"
#include "generate.h"

int main(int argc, char** argv) {
  using namespace sirocco::bench;
  CLI::App app("automl-bench: quality and times of the AutoML library", "automl-bench");
  app.require_subcommand(1);
  std::string folder;
  std::vector<std::string> only;
  size_t threads = 2, rows = 100000, columns = 50, classes = 2;
  app.add_option("--threads", threads, "Threads");
  CLI::App* generate = app.add_subcommand("generate", "Write generated tables and series");
  generate->add_option("folder", folder)->required();
  CLI::App* tables = app.add_subcommand("tables", "Classification and regression");
  tables->add_option("folder", folder)->required();
  tables->add_option("--only", only, "Tables to take");
  CLI::App* series = app.add_subcommand("series", "Forecasting");
  series->add_option("folder", folder)->required();
  CLI::App* speed = app.add_subcommand("speed", "Times on a generated table");
  speed->add_option("--rows", rows);
  speed->add_option("--columns", columns);
  speed->add_option("--classes", classes, "0: regression");
  CLI::App* anomalies = app.add_subcommand("anomalies", "Anomaly detection");
  anomalies->add_option("folder", folder)->required();
  CLI11_PARSE(app, argc, argv);
  if (*generate) GenerateFiles(folder);
  if (*tables) RunTables(folder, only, threads);
  if (*series) RunSeries(folder, threads);
  if (*speed) RunSpeed(rows, columns, classes, threads);
  if (*anomalies) RunAnomalies(folder, threads);
  return 0;
}
