// What a table of performance_schema.rpd_* is to the rest of the plugin: a name, columns, and a
// function that gives its rows at this moment. tables.cc registers them with the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sirocco::plugin {

// SQL NULL; a number; a real; text; a time (NULL if it is the epoch).
using MonitorValue = std::variant<std::monostate, uint64_t, double, std::string,
                                  std::chrono::system_clock::time_point>;
using MonitorRow = std::vector<MonitorValue>;

struct MonitorTable {
  const char* name;
  const char* columns;  // as in CREATE TABLE; at most 8 of them nullable, a limit of the server
  std::vector<MonitorRow> (*rows)();  // one value per column; from any thread
};

// In the order of their registration.
std::vector<MonitorRow> NodeRows();
std::vector<MonitorRow> TableRows();
std::vector<MonitorRow> TableIdRows();
std::vector<MonitorRow> ColumnRows();
std::vector<MonitorRow> ColumnIdRows();
std::vector<MonitorRow> QueryRows();
std::vector<MonitorRow> ExecutionRows();

}  // namespace sirocco::plugin
