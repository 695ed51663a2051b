#include "cli/tpch/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "cli/tpch/connection.h"
#include "cli/tpch/interruption.h"
#include "cli/tpch/progress.h"
#include "cli/tpch/table_text.h"

namespace sirocco::tpch {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

// Rows of one statement, which is one transaction: enough to make its fixed cost small, few enough
// for steady progress and a short roll-back.
constexpr int64_t kRowsPerPiece = 50000;

struct Piece {
  Table table;
  UnitRange range;
};

std::vector<Piece> CutIntoPieces(Scale scale) {
  std::vector<Piece> pieces;
  for (Table table : kAllTables) {
    const int64_t num_units = scale.NumUnits(table);
    const int64_t units = std::max<int64_t>(1, kRowsPerPiece * num_units / scale.NumRows(table));
    for (int64_t first = 0; first < num_units; first += units) {
      pieces.push_back({table, {first, std::min(units, num_units - first)}});
    }
  }
  return pieces;
}

double SecondsSince(steady_clock::time_point start) {
  return duration<double>(steady_clock::now() - start).count();
}

std::string Quoted(std::string_view name) {
  std::string quoted = "`";
  for (char c : name) {
    quoted += c;
    if (c == '`') quoted += c;
  }
  return quoted + '`';
}

// State that the loading connections share.
class ParallelLoad {
 public:
  ParallelLoad(const LoadOptions& options, Scale scale, const Interruption& interruption)
      : options_(options),
        pieces_(CutIntoPieces(scale)),
        scale_(scale),
        interruption_(interruption) {
    for (Table table : kAllTables) total_rows_ += scale.NumRows(table);
  }

  Result<void> Run() {
    const auto start = steady_clock::now();
    ProgressLine progress;
    std::atomic<int> num_running = std::max(1, options_.num_threads);
    std::vector<std::jthread> threads;
    for (int i = num_running; i > 0; --i) {
      threads.emplace_back([&] {
        Fail(LoadPieces());
        num_running.fetch_sub(1);
      });
    }
    while (num_running > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const double seconds = SecondsSince(start);
      progress.Update(fmt::format("InnoDB: {} rows, {:.0f} %, {} rows/s", WithCommas(num_rows_),
                                  std::min(100.0, 100.0 * num_rows_ / total_rows_),
                                  WithCommas(static_cast<int64_t>(num_rows_ / seconds))));
    }
    threads.clear();
    if (error_) return std::unexpected(*error_);
    const double seconds = SecondsSince(start);
    progress.Finish(fmt::format("InnoDB: {} rows in {:.1f} s, {} rows/s", WithCommas(num_rows_),
                                seconds, WithCommas(static_cast<int64_t>(num_rows_ / seconds))));
    return {};
  }

 private:
  void Fail(Result<void> result) {
    if (result) return;
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(result.error());
    failed_ = true;
  }

  Result<void> LoadPieces() {
    const TextPool& pool = TextPool::Get();
    ASSIGN_OR_RETURN(Connection connection,
                     Connection::Open(options_.option_file, options_.database));
    // The data can be made again at any time and the tables are new: no binlog, and keys need no
    // checks.
    RETURN_IF_ERROR(connection.Execute(
        "SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0"));
    while (!failed_ && !interruption_.requested()) {
      const size_t next = next_piece_.fetch_add(1);
      if (next >= pieces_.size()) return {};
      RETURN_IF_ERROR(LoadPiece(connection, pool, pieces_[next]));
    }
    if (interruption_.requested()) return MakeError(ErrorCode::kCancelled, "interrupted");
    return {};
  }

  Result<void> LoadPiece(Connection& connection, const TextPool& pool, const Piece& piece) {
    const auto source = TableText::Make(pool, scale_, piece.table, piece.range, LineEnd::kPlain);
    std::vector<char> text(64 << 10);
    std::span<const char> pending;
    int64_t reported_rows = 0;
    auto read = [&](std::span<char> out) -> int {
      if (failed_ || interruption_.requested()) return -1;
      if (pending.empty()) {
        pending = {text.data(), source->Read(text)};
        num_rows_ += source->num_rows() - reported_rows;
        reported_rows = source->num_rows();
      }
      const size_t bytes = std::min(out.size(), pending.size());
      std::memcpy(out.data(), pending.data(), bytes);
      pending = pending.subspan(bytes);
      return static_cast<int>(bytes);
    };
    auto loaded = connection.Load(
        fmt::format("LOAD DATA LOCAL INFILE 'generated' INTO TABLE {} CHARACTER SET utf8mb4 "
                    "FIELDS TERMINATED BY '|' ESCAPED BY '' LINES TERMINATED BY '\\n'",
                    TableName(piece.table)),
        read);
    if (interruption_.requested()) return MakeError(ErrorCode::kCancelled, "interrupted");
    if (!loaded) return std::unexpected(loaded.error());
    if (*loaded != source->num_rows()) {
      return MakeError(ErrorCode::kCorrupt,
                       fmt::format("table {} took {} rows of {}", TableName(piece.table), *loaded,
                                   source->num_rows()));
    }
    return {};
  }

  const LoadOptions& options_;
  const std::vector<Piece> pieces_;
  const Scale scale_;
  const Interruption& interruption_;
  int64_t total_rows_ = 0;
  std::atomic<size_t> next_piece_ = 0;
  std::atomic<int64_t> num_rows_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::optional<Error> error_;  // the first one; under mutex_
};

// Turns local_infile on in the server and puts it back.
class LocalInfileSwitch {
 public:
  static Result<LocalInfileSwitch> TurnOn(Connection& connection) {
    ASSIGN_OR_RETURN(const std::string value,
                     connection.QueryValue("SELECT @@GLOBAL.local_infile"));
    if (value == "1") return LocalInfileSwitch(nullptr);
    RETURN_IF_ERROR(connection.Execute("SET GLOBAL local_infile = ON"));
    return LocalInfileSwitch(&connection);
  }
  LocalInfileSwitch(LocalInfileSwitch&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  LocalInfileSwitch& operator=(LocalInfileSwitch&&) = delete;
  ~LocalInfileSwitch() {
    if (connection_ != nullptr) (void)connection_->Execute("SET GLOBAL local_infile = OFF");
  }

 private:
  explicit LocalInfileSwitch(Connection* connection) : connection_(connection) {}
  Connection* connection_;  // null: nothing to restore
};

class Loader {
 public:
  Loader(const LoadOptions& options, Scale scale, Connection connection)
      : options_(options), scale_(scale), connection_(std::move(connection)) {}

  Result<void> Run() {
    RETURN_IF_ERROR(CheckServer());
    RETURN_IF_ERROR(connection_.Execute("SET SESSION sql_log_bin = 0, foreign_key_checks = 0"));
    Result<void> result = CreateAndFill();
    if (!result) DropWhatWasMade();
    return result;
  }

 private:
  Result<void> CheckServer() {
    if (options_.secondary_load) {
      ASSIGN_OR_RETURN(
          const std::string engines,
          connection_.QueryValue("SELECT COUNT(*) FROM information_schema.PLUGINS WHERE "
                                 "PLUGIN_NAME = 'RAPID' AND PLUGIN_STATUS = 'ACTIVE'"));
      if (engines == "0") {
        return NotSupported(
            "this server has no RAPID engine (plugin not installed); "
            "--no-secondary-load fills InnoDB alone");
      }
    }
    ASSIGN_OR_RETURN(const ResultSet found, connection_.Query(fmt::format(
                                                "SELECT TABLE_NAME FROM information_schema.TABLES "
                                                "WHERE TABLE_SCHEMA = '{}' AND TABLE_NAME IN "
                                                "('region', 'nation', 'supplier', 'customer', "
                                                "'part', 'partsupp', 'orders', 'lineitem')",
                                                options_.database)));
    if (found.num_rows() != 0 && !options_.replace) {
      return MakeError(ErrorCode::kAlreadyExists,
                       fmt::format("database {} has TPC-H tables already; --replace drops them",
                                   options_.database));
    }
    return {};
  }

  Result<void> CreateAndFill() {
    const auto start = steady_clock::now();
    RETURN_IF_ERROR(CreateTables());
    ASSIGN_OR_RETURN(const LocalInfileSwitch local_infile, LocalInfileSwitch::TurnOn(connection_));
    fmt::print(stderr, "TPC-H scale factor {} into {}, {} connections\n", scale_.ToString(),
               options_.database, options_.num_threads);
    RETURN_IF_ERROR(ParallelLoad(options_, scale_, interruption_).Run());
    RETURN_IF_ERROR(
        Statement("ANALYZE LOCAL TABLE region, nation, supplier, customer, part, partsupp, orders, "
                  "lineitem"));
    if (options_.secondary_load) RETURN_IF_ERROR(LoadIntoRapid());
    fmt::print(stderr, "Done in {:.1f} s\n", SecondsSince(start));
    return {};
  }

  Result<void> CreateTables() {
    const std::string collation =
        options_.collation.empty() ? "" : " COLLATE " + options_.collation;
    ASSIGN_OR_RETURN(
        const std::string schemas,
        connection_.QueryValue(
            fmt::format("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '{}'",
                        options_.database)));
    if (schemas == "0") {
      RETURN_IF_ERROR(connection_.Execute(
          fmt::format("CREATE DATABASE {}{}", Quoted(options_.database), collation)));
      made_database_ = true;
    }
    RETURN_IF_ERROR(connection_.Execute(fmt::format("USE {}", Quoted(options_.database))));
    for (Table table : kAllTables) {
      if (options_.replace)
        RETURN_IF_ERROR(
            connection_.Execute(fmt::format("DROP TABLE IF EXISTS {}", TableName(table))));
      made_tables_.push_back(table);
      RETURN_IF_ERROR(connection_.Execute(
          fmt::format("CREATE TABLE {} ({}) ENGINE=InnoDB SECONDARY_ENGINE=RAPID{}",
                      TableName(table), TableColumns(table), collation)));
    }
    return {};
  }

  Result<void> LoadIntoRapid() {
    for (Table table : kAllTables) {
      const auto start = steady_clock::now();
      ProgressLine progress;
      {
        const std::jthread watcher(
            [&](std::stop_token stop) { ShowRapidProgress(stop, table, progress); });
        RETURN_IF_ERROR(Statement(fmt::format("ALTER TABLE {} SECONDARY_LOAD", TableName(table))));
      }
      const double seconds = SecondsSince(start);
      progress.Finish(fmt::format(
          "RAPID: {} in {:.1f} s, {} rows/s", TableName(table), seconds,
          WithCommas(static_cast<int64_t>(scale_.NumRows(table) / std::max(seconds, 0.001)))));
    }
    return {};
  }

  // Shows the engine's own progress of the current load until told to stop.
  void ShowRapidProgress(const std::stop_token& stop, Table table, ProgressLine& progress) {
    auto connection = Connection::Open(options_.option_file, "");
    while (connection && !stop.stop_requested()) {
      const auto percent = connection->QueryValue(
          "SELECT ROUND(VARIABLE_VALUE) FROM performance_schema.global_status WHERE VARIABLE_NAME "
          "= 'rapid_load_progress'");
      if (!percent) return;
      progress.Update(fmt::format("RAPID: {} {} %", TableName(table), *percent));
      for (int wait = 0; wait < 25 && !stop.stop_requested(); ++wait) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
  }

  // Runs a statement that Ctrl-C kills.
  Result<void> Statement(const std::string& sql) {
    const uint64_t id = connection_.id();
    const Interruption::Scope scope(interruption_, [this, id] {
      if (auto killer = Connection::Open(options_.option_file, ""))
        (void)killer->Execute(fmt::format("KILL QUERY {}", id));
    });
    auto result = connection_.Execute(sql);
    if (interruption_.requested()) return MakeError(ErrorCode::kCancelled, "interrupted");
    return result;
  }

  void DropWhatWasMade() {
    if (made_tables_.empty() && !made_database_) return;
    fmt::print(stderr, "\nRemoving what was loaded\n");
    if (made_database_) {
      (void)connection_.Execute(fmt::format("DROP DATABASE {}", Quoted(options_.database)));
      return;
    }
    for (Table table : made_tables_)
      (void)connection_.Execute(fmt::format("DROP TABLE IF EXISTS {}", TableName(table)));
  }

  const LoadOptions& options_;
  const Scale scale_;
  Connection connection_;
  Interruption interruption_;
  bool made_database_ = false;
  std::vector<Table> made_tables_;
};

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '$';
  });
}

}  // namespace

Result<void> LoadTables(const LoadOptions& options) {
  ASSIGN_OR_RETURN(const Scale scale, Scale::Make(options.scale_factor));
  if (!IsPlainName(options.database)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not a plain database name: {}", options.database));
  }
  if (!options.collation.empty() && !IsPlainName(options.collation)) {
    return MakeError(ErrorCode::kInvalidArgument,
                     fmt::format("not a collation: {}", options.collation));
  }
  ASSIGN_OR_RETURN(Connection connection, Connection::Open(options.option_file, ""));
  return Loader(options, scale, std::move(connection)).Run();
}

}  // namespace sirocco::tpch
