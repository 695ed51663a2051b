#include "sql/runner/run.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <regex>
#include <thread>

#include "sql/runner/comparison.h"
#include "sql/runner/metadata.h"

namespace sirocco::sqltest {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned kSecondaryEngineError = 3889;  // ER_SECONDARY_ENGINE
constexpr auto kReconnectTime = std::chrono::seconds(60);

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

class FileRun {
 public:
  FileRun(const TestFile& file, std::string database, const RunOptions& options, Summary* summary)
      : file_(file), database_(std::move(database)), options_(options), summary_(*summary) {}

  bool Run() {
    if (!Connect()) return false;
    session_->Execute("DROP DATABASE IF EXISTS " + database_);
    session_->Execute("CREATE DATABASE " + database_);
    session_->Execute("USE " + database_);
    const int failures_before = summary_.failures;
    for (const Statement& statement : file_.statements) {
      if (aborted_) break;
      if (!options_.filter.empty() && statement.action == Action::kCompare &&
          statement.sql.find(options_.filter) == std::string::npos) {
        continue;
      }
      const auto start = Clock::now();
      RunStatement(statement);
      if (options_.verbose) {
        std::printf("%7.3f s  %s:%d\n", Seconds(start), statement.file.c_str(), statement.line);
      }
      std::fflush(stdout);
    }
    if (!options_.keep || summary_.failures == failures_before) {
      if (session_ || Connect()) session_->Execute("DROP DATABASE IF EXISTS " + database_);
    }
    return true;
  }

 private:
  bool Connect() {
    const auto start = Clock::now();
    while (true) {
      auto connected = Session::Connect(options_.connect);
      if (connected) {
        session_ = std::move(*connected);
        return true;
      }
      if (Clock::now() - start > kReconnectTime) {
        std::printf("%s\n", connected.error().message.c_str());
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
  }

  void Report(const Statement& statement, const std::string& what,
              const std::vector<std::string>& lines) {
    ++summary_.failures;
    std::printf("FAILED %s:%d: %s\n", statement.file.c_str(), statement.line, what.c_str());
    if (!statement.sql.empty()) std::printf("    %s;\n", statement.sql.c_str());
    for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
  }

  // After a crash or a time-out: a new connection in the same database.
  bool Survived(const Statement& statement, const Outcome& outcome, const char* how) {
    if (!outcome.lost_connection) return true;
    Report(statement, std::string("connection lost or timed out, ") + how, {outcome.message});
    session_.reset();
    if (Connect()) {
      session_->Execute("USE " + database_);
    } else {
      aborted_ = true;
    }
    return false;
  }

  void RunStatement(const Statement& statement) {
    ++summary_.statements;
    switch (statement.action) {
      case Action::kRun:
        RunOnce(statement);
        break;
      case Action::kLoad:
        Load(statement);
        break;
      case Action::kUnload:
        Unload(statement);
        break;
      case Action::kCompare:
        ++summary_.compared;
        if (statement.parameters.empty()) CompareWays(statement, false);
        if (!aborted_ && (statement.prepared || options_.all_prepared))
          CompareWays(statement, true);
        break;
      case Action::kInto:
        ++summary_.compared;
        CompareInto(statement);
        break;
    }
  }

  void RunOnce(const Statement& statement) {
    const Outcome outcome = session_->Execute(statement.sql);
    if (!Survived(statement, outcome, "set-up")) {
      aborted_ = true;
      return;
    }
    if (static_cast<int>(outcome.error) == statement.error) return;
    Report(statement, "set-up; the rest of the file is left out",
           {"error " + std::to_string(outcome.error) + ": " + outcome.message});
    aborted_ = true;
  }

  void Load(const Statement& statement) {
    if (options_.off_only) return;
    for (const std::string& table : statement.tables) {
      const std::string defined = session_->Scalar(
          "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name "
          "= '" +
          table + "' AND create_options LIKE '%SECONDARY_ENGINE%'");
      if (defined.empty()) {
        const Outcome outcome =
            session_->Execute("ALTER TABLE `" + table + "` SECONDARY_ENGINE = RAPID");
        if (outcome.error != 0)
          Report(statement, "SECONDARY_ENGINE of " + table, {outcome.message});
      }
      const Outcome outcome = session_->Execute("ALTER TABLE `" + table + "` SECONDARY_LOAD");
      if (!Survived(statement, outcome, "load")) return;
      if (outcome.error != 0) {
        Report(statement, "load of " + table,
               {"error " + std::to_string(outcome.error) + ": " + outcome.message});
      }
    }
  }

  void Unload(const Statement& statement) {
    if (options_.off_only) return;
    for (const std::string& table : statement.tables) {
      const Outcome outcome = session_->Execute("ALTER TABLE `" + table + "` SECONDARY_UNLOAD");
      if (!Survived(statement, outcome, "unload")) return;
      if (outcome.error != 0) {
        Report(statement, "unload of " + table,
               {"error " + std::to_string(outcome.error) + ": " + outcome.message});
      }
    }
  }

  Outcome Execute(const Statement& statement, bool prepared, Offload offload) {
    if (options_.off_only) offload = Offload::kOff;
    return prepared ? session_->ExecutePrepared(statement.sql, statement.parameters, offload)
                    : session_->Execute(statement.sql, offload);
  }

  void CompareWays(const Statement& statement, bool prepared) {
    const std::string how = prepared ? "binary protocol" : "text protocol";
    const Outcome off = Execute(statement, prepared, Offload::kOff);
    if (!Survived(statement, off, "offload off")) return;
    if (static_cast<int>(off.error) != statement.error) {
      Report(statement, how + ": offload off gave an unexpected result",
             {"error " + std::to_string(off.error) + ": " + off.message});
      return;
    }
    if (statement.expected_rows >= 0 &&
        off.rows.size() != static_cast<size_t>(statement.expected_rows)) {
      Report(statement,
             how + ": expected " + std::to_string(statement.expected_rows) +
                 " rows, offload off gave " + std::to_string(off.rows.size()),
             {});
    }
    const Outcome forced = Execute(statement, prepared, Offload::kForced);
    if (!Survived(statement, forced, "forced")) return;
    const bool may_be_refused = statement.may_refuse && forced.error == kSecondaryEngineError;
    if ((statement.refused || may_be_refused) && !options_.off_only) {
      CheckRefusal(statement, prepared, off, forced);
      return;
    }
    std::vector<std::string> differences = CompareOutcomes(statement, off, forced);
    if (!differences.empty() && off.error == 0 && forced.error == 0 &&
        !CompareColumns(off.columns, forced.columns).empty()) {
      differences =
          CompareOutcomes(statement, WithHypergraphColumns(statement, prepared, off), forced);
    }
    if (!differences.empty()) {
      Report(statement, how, differences);
    } else if (!options_.off_only && statement.error == 0 &&
               forced.offloaded == statement.not_offered) {
      Report(statement, how + (statement.not_offered ? ": was offloaded" : ": was not offloaded"),
             {});
    }
    if (forced.offloaded) ++summary_.offloaded;
  }

  // The server's two optimizers describe some columns differently: the old one takes them from its
  // temporary tables, the hypergraph optimizer, which plans every offloaded query, from the
  // expressions. `off` with the columns that InnoDB's answer has under the latter.
  Outcome WithHypergraphColumns(const Statement& statement, bool prepared, const Outcome& off) {
    const Outcome planned_alike = Execute(statement, prepared, Offload::kOffHypergraph);
    Outcome expected = off;
    if (planned_alike.error == 0 && !planned_alike.lost_connection)
      expected.columns = planned_alike.columns;
    return expected;
  }

  // FORCED must say why; ON must give InnoDB's answer.
  void CheckRefusal(const Statement& statement, bool prepared, const Outcome& off,
                    const Outcome& forced) {
    ++summary_.refused;
    const std::regex reason(statement.reason, std::regex::icase);
    if (forced.error != kSecondaryEngineError) {
      Report(statement, "expected a refusal when forced",
             {forced.error == 0 ? "succeeded"
                                : "error " + std::to_string(forced.error) + ": " + forced.message});
    } else if (!std::regex_search(forced.message, reason)) {
      Report(statement, "refused for another reason",
             {forced.message, "expected: " + statement.reason});
    }
    const Outcome on = Execute(statement, prepared, Offload::kOn);
    if (!Survived(statement, on, "offload on")) return;
    const std::vector<std::string> differences = CompareOutcomes(statement, off, on);
    if (!differences.empty())
      Report(statement, "refused statement with offload ON (shown as forced)", differences);
  }

  // Target table after the statement: its definition and rows.
  Outcome RunInto(const Statement& statement, Offload offload, std::string* definition,
                  Outcome* content) {
    const bool creates =
        statement.sql.size() > 6 && (statement.sql[0] == 'C' || statement.sql[0] == 'c');
    session_->Execute(creates ? "DROP TABLE IF EXISTS " + statement.target
                              : "TRUNCATE TABLE " + statement.target);
    Outcome outcome = Execute(statement, false, offload);
    if (outcome.lost_connection || outcome.error != 0) return outcome;
    const Outcome shown = session_->Execute("SHOW CREATE TABLE " + statement.target);
    if (!shown.rows.empty() && shown.rows[0].size() > 1)
      *definition = shown.rows[0][1].value_or("");
    *content = session_->Execute("SELECT * FROM " + statement.target);
    return outcome;
  }

  void CompareInto(const Statement& statement) {
    std::string off_definition, forced_definition;
    Outcome off_content, forced_content;
    const Outcome off = RunInto(statement, Offload::kOff, &off_definition, &off_content);
    if (!Survived(statement, off, "offload off")) return;
    if (static_cast<int>(off.error) != statement.error) {
      Report(statement, "offload off", {"error " + std::to_string(off.error) + ": " + off.message});
      return;
    }
    const Outcome forced =
        RunInto(statement, Offload::kForced, &forced_definition, &forced_content);
    if (!Survived(statement, forced, "forced")) return;
    std::vector<std::string> differences = CompareOutcomes(statement, off, forced);
    if (differences.empty() && off_definition != forced_definition) {
      differences = {"definition, off:", off_definition, "definition, forced:", forced_definition};
    }
    for (std::string& line : CompareOutcomes(statement, off_content, forced_content)) {
      differences.push_back(std::move(line));
    }
    if (!differences.empty()) {
      Report(statement, "into " + statement.target, differences);
    } else if (!options_.off_only && off.error == 0 && !forced.offloaded) {
      Report(statement, "was not offloaded", {});
    }
    if (forced.offloaded) ++summary_.offloaded;
  }

  const TestFile& file_;
  const std::string database_;
  const RunOptions& options_;
  Summary& summary_;
  std::unique_ptr<Session> session_;
  bool aborted_ = false;
};

}  // namespace

bool RunFiles(const std::vector<std::filesystem::path>& files, const RunOptions& options,
              Summary* summary) {
  const auto start = Clock::now();
  bool reached = true;
  for (const std::filesystem::path& path : files) {
    auto file = ReadTestFile(path);
    ++summary->files;
    if (!file) {
      std::printf("FAILED %s\n", file.error().message.c_str());
      ++summary->failures;
      continue;
    }
    const auto file_start = Clock::now();
    const int failures = summary->failures, statements = summary->statements;
    const std::string database =
        "sqltest_" + std::to_string(getpid()) + "_" + std::to_string(summary->files);
    reached = FileRun(*file, database, options, summary).Run();
    std::printf("%-40s %4d statements %3d failures %6.1f s\n", path.filename().c_str(),
                summary->statements - statements, summary->failures - failures,
                Seconds(file_start));
    std::fflush(stdout);
    if (!reached) break;
  }
  summary->seconds = Seconds(start);
  return reached;
}

}  // namespace sirocco::sqltest
