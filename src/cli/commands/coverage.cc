// `sirocco coverage`: what is offloaded and what is refused, read from the translator's own tables.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/commands/commands.h"

namespace sirocco::cli {
namespace {

struct Named {
  std::string_view name, reason;
};

struct Function {
  std::string_view section, name;
};

constexpr Function kFunctions[] = {
#define SIROCCO_SECTION(title) {title, {}},
#define SIROCCO_FUNCTION(name, handler, op, pattern) {{}, name},
#include "plugin/translate/functions.inc"
#undef SIROCCO_FUNCTION
#undef SIROCCO_SECTION
};

constexpr Named kRefusedFunctions[] = {
#define SIROCCO_REFUSED(name, reason) {name, reason},
#include "plugin/translate/refusals.inc"
#undef SIROCCO_REFUSED
};

constexpr std::string_view kShapes[] = {
#define SIROCCO_PATH(type, method, name) name,
#define SIROCCO_REFUSED_PATH(type, name)
#include "plugin/translate/paths.inc"
#undef SIROCCO_REFUSED_PATH
#undef SIROCCO_PATH
};

constexpr std::string_view kRefusedShapes[] = {
#define SIROCCO_PATH(type, method, name)
#define SIROCCO_REFUSED_PATH(type, name) name,
#include "plugin/translate/paths.inc"
#undef SIROCCO_REFUSED_PATH
#undef SIROCCO_PATH
};

// Every reason with which the translator refuses a statement, in alphabetical order; written by
// coverage_reasons.cmake from its sources.
constexpr std::string_view kReasons[] = {
#include "coverage_reasons.inc"
};

void Print() {
  fmt::print("Plan shapes offloaded\n");
  for (const std::string_view shape : kShapes) fmt::print("  {}\n", shape);
  fmt::print("\nPlan shapes refused\n");
  std::string_view last;
  for (const std::string_view shape : kRefusedShapes)
    if (shape != last) fmt::print("  {}\n", last = shape);

  size_t count = 0;
  for (const Function& function : kFunctions) count += !function.name.empty();
  fmt::print("\nFunctions and operators offloaded: {}", count);
  std::string line;
  const auto flush = [&line] {
    if (!line.empty()) fmt::print("    {}\n", line);
    line.clear();
  };
  for (const Function& function : kFunctions) {
    if (!function.section.empty()) {
      if (&function == kFunctions) fmt::print("\n");
      flush();
      fmt::print("  {}\n", function.section);
      continue;
    }
    if (line.size() + function.name.size() > 90) flush();
    if (!line.empty()) line += ", ";
    line += function.name;
  }
  flush();

  fmt::print("\nFunctions refused for good\n");
  for (const Named& function : kRefusedFunctions)
    fmt::print("  {:<20} {}\n", function.name, function.reason);

  fmt::print("\nReasons that a statement with an offloaded shape or function may still be refused for\n");
  for (const std::string_view reason : kReasons) fmt::print("  {}\n", reason);
}

}  // namespace

void RegisterCoverage(CLI::App& app, int& exit_code) {
  app.add_subcommand("coverage", "List what is offloaded and what is refused, with the reasons")
      ->callback([&exit_code] {
        Print();
        exit_code = kExitOk;
      });
}

}  // namespace sirocco::cli
