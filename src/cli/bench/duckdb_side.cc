#include "cli/bench/duckdb_side.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/process.h"

namespace sirocco::bench {
namespace {

// A folder for one benchmark's files, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "sirocco-bench-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }  // empty if it could not be made

 private:
  std::string path_;
};

// Beside this program, else where the build puts it.
std::string FindHelper() {
  std::error_code failure;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (!failure) {
    const auto beside = own.parent_path() / "sirocco-bench-duckdb";
    if (std::filesystem::exists(beside, failure)) return beside;
  }
  return std::filesystem::exists(SIROCCO_PEER_DUCKDB, failure) ? SIROCCO_PEER_DUCKDB : "";
}

Result<PeerReport> ReadReport(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(folder + "/report.json"));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return MakeError(ErrorCode::kCorrupt, "the DuckDB helper's report is not JSON");
  PeerReport report;
  report.description = {
      {"name", "DuckDB"},
      {"version", json.value("version", "unknown")},
      {"build", "library of the dependency prefix (Debian builds it for baseline x86-64)"},
      {"database", json.value("database", "unknown")},
      {"threads", json.value("threads", 0)}};
  for (const auto& query : json.value("queries", nlohmann::json::array())) {
    Measurement measurement{.query = query.value("query", 0),
                            .num_rows = query.value("rows", int64_t{0}),
                            .warmup_ms = query.value("warmup_ms", 0.0),
                            .runs_ms = query.value("runs_ms", std::vector<double>{}),
                            .cpu_ms = query.value("cpu_ms", 0.0)};
    ASSIGN_OR_RETURN(const std::string answer,
                     ReadTextFile(fmt::format("{}/q{:02}.csv", folder, measurement.query)));
    ASSIGN_OR_RETURN(report.answers[measurement.query], ParseAnswer(answer));
    report.measurements.push_back(std::move(measurement));
  }
  return report;
}

}  // namespace

Result<PeerReport> MeasureDuckdb(const PeerRequest& request) {
  const std::string helper = FindHelper();
  if (helper.empty()) {
    return NotSupported(
        "sirocco-bench-duckdb was not built: DuckDB is not among the dependencies, or bench/ was "
        "left out");
  }
  const TemporaryFolder folder;
  if (folder.path().empty()) return MakeError(ErrorCode::kIo, "cannot make a temporary folder");
  std::vector<int> numbers;
  for (const BenchQuery& query : request.queries) {
    numbers.push_back(query.number);
    std::ofstream file(fmt::format("{}/q{:02}.sql", folder.path(), query.number));
    file << query.sql << ";\n";
    if (!file.flush())
      return MakeError(ErrorCode::kIo, fmt::format("cannot write to {}", folder.path()));
  }
  ASSIGN_OR_RETURN(
      const int status,
      cli::RunProgram({helper, "--sf", fmt::format("{}", request.scale_factor), "--queries",
                       folder.path(), "--list", fmt::format("{}", fmt::join(numbers, ",")),
                       "--runs", std::to_string(request.num_runs), "--threads",
                       std::to_string(request.num_threads), "--database", request.database,
                       "--answers", folder.path(), "--json", folder.path() + "/report.json"}));
  if (status != 0)
    return MakeError(ErrorCode::kInternal,
                     fmt::format("sirocco-bench-duckdb failed, status {}", status));
  return ReadReport(folder.path());
}

}  // namespace sirocco::bench
