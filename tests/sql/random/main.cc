// sirocco-sqlrandom: random tables and queries, offload off against forced. Exit code: 0 no
// difference, 1 differences, 2 wrong usage or no server.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <random>

#include "sql/random/random_query.h"
#include "sql/runner/comparison.h"
#include "sql/runner/session.h"

namespace sirocco::sqltest {
namespace {

constexpr unsigned kSecondaryEngineError = 3889;
// A new schema after this many statements.
constexpr int kStatementsPerSchema = 250;

enum class Verdict { kEqual, kRefused, kBothFail, kDifferent };

struct Counts {
  int statements = 0, equal = 0, refused = 0, both_fail = 0, different = 0;
  std::map<std::string, int> reasons;
  std::map<std::string, std::string> examples;  // the first statement refused for a reason
};

class RandomRun {
 public:
  RandomRun(ConnectOptions connect, uint64_t seed) : connect_(std::move(connect)), seed_(seed) {}

  bool Run(int num_statements, Counts* counts) {
    database_ = "sqlrandom_" + std::to_string(getpid());
    for (int done = 0; done < num_statements;) {
      RandomSource random(seed_ + static_cast<uint64_t>(done));
      if (!Connect() || !MakeSchema(&random)) return false;
      QueryGenerator generator(tables_, &random);
      for (int i = 0; i < kStatementsPerSchema && done < num_statements; ++i, ++done) {
        const RandomQuery query = generator.Make();
        if (!Check(query, counts)) return false;
      }
      session_->Execute("DROP DATABASE " + database_);
    }
    return true;
  }

 private:
  bool Connect() {
    auto session = Session::Connect(connect_);
    if (!session) {
      std::printf("%s\n", session.error().message.c_str());
      return false;
    }
    session_ = std::move(*session);
    session_->Execute(
        "SET SESSION sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES', time_zone = '+00:00', "
        "max_error_count = 0");
    session_->Execute("USE " + database_);
    return true;
  }

  bool Must(const std::string& sql) {
    const Outcome outcome = session_->Execute(sql);
    if (outcome.error != 0)
      std::printf("FAILED: %s\n    %.300s\n", outcome.message.c_str(), sql.c_str());
    return outcome.error == 0;
  }

  bool MakeSchema(RandomSource* random) {
    session_->Execute("DROP DATABASE IF EXISTS " + database_);
    if (!Must("CREATE DATABASE " + database_) || !Must("USE " + database_)) return false;
    tables_ = MakeTables(random);
    for (const RandomTable& table : tables_) {
      if (!Must(table.CreateStatement())) return false;
      std::string rows;
      for (uint64_t row = 1; row <= table.num_rows; ++row) {
        rows += (rows.empty() ? "" : ", ") + MakeRow(table, row, random);
        if (row % 500 != 0 && row != table.num_rows) continue;
        if (!Must("INSERT INTO " + table.name + " VALUES " + rows)) return false;
        rows.clear();
      }
      if (!Must("ALTER TABLE " + table.name + " SECONDARY_ENGINE = RAPID") ||
          !Must("ALTER TABLE " + table.name + " SECONDARY_LOAD"))
        return false;
    }
    return true;
  }

  Verdict Compare(const RandomQuery& query, std::vector<std::string>* lines) {
    const std::string sql = query.Text();
    const Outcome off = session_->Execute(sql);
    if (off.lost_connection) {
      *lines = {"the server was lost with offload off: " + off.message};
      return Verdict::kDifferent;
    }
    const Outcome forced = session_->Execute(sql, Offload::kForced);
    if (forced.lost_connection) {
      *lines = {"the server was lost: " + forced.message};
      return Verdict::kDifferent;
    }
    if (forced.error == kSecondaryEngineError) {
      *lines = {forced.message};
      return Verdict::kRefused;
    }
    if (off.error != 0 && forced.error == off.error) return Verdict::kBothFail;
    if (off.error != forced.error) {
      *lines = {
          "off:    " + (off.error == 0 ? "success" : std::to_string(off.error) + " " + off.message),
          "forced: " + (forced.error == 0 ? "success"
                                          : std::to_string(forced.error) + " " + forced.message)};
      return Verdict::kDifferent;
    }
    Statement statement;
    statement.approximate = true;
    *lines = CompareRows(statement, off.columns, off.rows, forced.rows);
    return lines->empty() ? Verdict::kEqual : Verdict::kDifferent;
  }

  bool Check(const RandomQuery& query, Counts* counts) {
    std::vector<std::string> lines;
    ++counts->statements;
    switch (Compare(query, &lines)) {
      case Verdict::kEqual:
        ++counts->equal;
        return true;
      case Verdict::kRefused:
        ++counts->refused;
        if (++counts->reasons[lines[0]] == 1) counts->examples[lines[0]] = query.Text();
        return true;
      case Verdict::kBothFail:
        ++counts->both_fail;
        return true;
      case Verdict::kDifferent:
        break;
    }
    ++counts->different;
    std::printf("FAILED statement %d\n    %s\n", counts->statements, query.Text().c_str());
    for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
    if (!Connect()) return false;
    const RandomQuery reduced = Reduce(query);
    if (!session_ && !Connect()) return false;
    std::printf("  smaller: %s\n", reduced.Text().c_str());
    lines.clear();
    Compare(reduced, &lines);
    for (const std::string& line : lines) std::printf("    %s\n", line.c_str());
    std::fflush(stdout);
    return Connect();
  }

  // Leaves parts out one by one, as long as the rest still differs.
  RandomQuery Reduce(RandomQuery query) {
    bool smaller = true;
    while (smaller) {
      smaller = false;
      for (auto part : {&RandomQuery::items, &RandomQuery::joins, &RandomQuery::where,
                        &RandomQuery::having, &RandomQuery::groups}) {
        for (size_t i = 0; i < (query.*part).size(); ++i) {
          if (part == &RandomQuery::items && query.items.size() == 1) break;
          RandomQuery candidate = query;
          (candidate.*part).erase((candidate.*part).begin() + static_cast<std::ptrdiff_t>(i));
          if (!Differs(candidate)) continue;
          query = std::move(candidate);
          smaller = true;
          --i;
        }
      }
      for (auto text : {&RandomQuery::tail, &RandomQuery::other}) {
        if ((query.*text).empty()) continue;
        RandomQuery candidate = query;
        (candidate.*text).clear();
        if (Differs(candidate)) query = std::move(candidate), smaller = true;
      }
      if (query.rollup) {
        RandomQuery candidate = query;
        candidate.rollup = false;
        if (Differs(candidate)) query = std::move(candidate), smaller = true;
      }
    }
    return query;
  }

  bool Differs(const RandomQuery& query) {
    std::vector<std::string> lines;
    const bool differs = Compare(query, &lines) == Verdict::kDifferent;
    if (differs && !Connect()) return false;
    return differs;
  }

  ConnectOptions connect_;
  uint64_t seed_;
  std::string database_;
  std::unique_ptr<Session> session_;
  std::vector<RandomTable> tables_;
};

}  // namespace
}  // namespace sirocco::sqltest

int main(int argc, char** argv) {
  using namespace sirocco::sqltest;
  CLI::App app{"Runs random queries over random tables with offload off and forced"};
  ConnectOptions connect;
  int num_statements = 1000;
  uint64_t seed = std::random_device{}();
  bool reasons = false;
  app.add_option("--defaults-file", connect.defaults_file,
                 "Option file of the client, group [client]")
      ->required();
  app.add_option("--statements", num_statements, "How many statements");
  app.add_option("--seed", seed, "Where the random numbers start; default: a random one");
  app.add_flag("--reasons", reasons, "Print why statements were refused, with an example");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Counts counts;
  const bool ran = RandomRun(connect, seed).Run(num_statements, &counts);
  if (reasons)
    for (const auto& [reason, count] : counts.reasons)
      std::printf("%6d %s\n       %s\n", count, reason.c_str(), counts.examples[reason].c_str());
  std::printf("%d statements: %d equal, %d refused, %d fail both ways, %d differ\n",
              counts.statements, counts.equal, counts.refused, counts.both_fail, counts.different);
  if (!ran) return 2;
  return counts.different == 0 ? 0 : 1;
}
