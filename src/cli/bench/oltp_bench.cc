#include "cli/bench/oltp_bench.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "cli/bench/machine_facts.h"

namespace sirocco::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kProbePause = std::chrono::milliseconds(20);

double MsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Everything that runs during one phase. The first error stops it.
class PhaseRun {
 public:
  PhaseRun(const OltpBenchOptions& options, std::string name, bool loaded, bool analytic,
           uint64_t seed)
      : options_(options), loaded_(loaded), analytic_(analytic), seed_(seed) {
    phase_.name = std::move(name);
  }

  Result<OltpPhase> Run() {
    // Connections first: the phase's time is that of the work alone.
    std::vector<OltpClient> clients;
    for (int i = 0; i < options_.num_clients; ++i) {
      ASSIGN_OR_RETURN(auto connection, Connect());
      clients.emplace_back(std::move(connection), options_.scale,
                           seed_ * 1000 + static_cast<uint64_t>(i));
    }
    ASSIGN_OR_RETURN(auto writer, Connect());
    ASSIGN_OR_RETURN(auto reader, Connect());
    ASSIGN_OR_RETURN(auto analyst, Connect());
    for (auto* forced : {&reader, &analyst})
      RETURN_IF_ERROR(forced->Execute("SET use_secondary_engine = FORCED"));

    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (OltpClient& client : clients) threads.emplace_back([&] { Transactions(&client); });
    if (loaded_) threads.emplace_back([&] { Probes(&writer, &reader); });
    if (analytic_) threads.emplace_back([&] { Queries(&analyst); });
    std::this_thread::sleep_for(std::chrono::seconds(options_.phase_seconds));
    stop_ = true;
    for (std::thread& thread : threads) thread.join();
    phase_.seconds = MsSince(start) / 1000;
    if (error_) return std::unexpected(*error_);
    phase_.transactions = Latencies(std::move(transactions_));
    phase_.queries = Latencies(std::move(queries_));
    phase_.probes = Latencies(std::move(probes_));
    return std::move(phase_);
  }

 private:
  Result<tpch::Connection> Connect() const {
    return tpch::Connection::Open(options_.option_file, options_.database);
  }
  void Fail(Error error) {
    std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    stop_ = true;
  }

  void Transactions(OltpClient* client) {
    std::vector<double> ms;
    uint64_t deadlocks = 0;
    while (!stop_) {
      const auto start = Clock::now();
      const auto committed = client->RunTransaction();
      if (!committed) return Fail(committed.error());
      if (*committed)
        ms.push_back(MsSince(start));
      else
        ++deadlocks;
    }
    std::lock_guard lock(mutex_);
    transactions_.insert(transactions_.end(), ms.begin(), ms.end());
    phase_.deadlocks += deadlocks;
  }

  // The time from a commit's end to an answer of RAPID that has it.
  void Probes(tpch::Connection* writer, tpch::Connection* reader) {
    for (uint64_t value = 1; !stop_; ++value) {
      const std::string written = std::to_string(seed_ * 1000000 + value);
      if (auto done = writer->Execute("UPDATE probe SET v = " + written); !done)
        return Fail(done.error());
      const auto start = Clock::now();
      auto seen = reader->QueryValue("SELECT MAX(v) FROM probe");
      if (!seen) return Fail(seen.error());
      probes_.push_back(MsSince(start));
      if (*seen != written) ++phase_.stale_probes;
      std::this_thread::sleep_for(kProbePause);
    }
  }

  void Queries(tpch::Connection* analyst) {
    for (uint64_t number = 0; !stop_; ++number) {
      const auto start = Clock::now();
      if (auto done = analyst->Query(AnalyticStatement(options_.scale, number)); !done)
        return Fail(done.error());
      queries_.push_back(MsSince(start));
    }
  }

  const OltpBenchOptions& options_;
  const bool loaded_, analytic_;
  const uint64_t seed_;
  OltpPhase phase_;
  std::vector<double> queries_, probes_;  // of one thread each
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<double> transactions_;
  std::optional<Error> error_;
};

Result<void> SetEngine(tpch::Connection& connection, const OltpScale& scale, bool loaded) {
  std::vector<std::string> tables = {"probe"};
  for (int i = 1; i <= scale.num_tables; ++i) tables.push_back(fmt::format("oltp{}", i));
  for (const std::string& table : tables) {
    const std::string alter = "ALTER TABLE " + table + " ";
    if (!loaded) {
      RETURN_IF_ERROR(connection.Execute(alter + "SECONDARY_ENGINE = NULL"));
      continue;
    }
    RETURN_IF_ERROR(connection.Execute(alter + "SECONDARY_ENGINE = RAPID"));
    RETURN_IF_ERROR(connection.Execute(alter + "SECONDARY_LOAD"));
  }
  return {};
}

nlohmann::json Header(const OltpBenchOptions& options, tpch::Connection& connection) {
  const auto value = [&](const char* sql) {
    return connection.QueryValue(sql).value_or("unknown");
  };
  return {
      {"benchmark", "oltp"},
      {"time", fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(
                                            std::chrono::system_clock::now())))},
      {"machine", DescribeMachine()},
      {"build", {{"version", SIROCCO_VERSION}, {"type", SIROCCO_BUILD_TYPE}}},
      {"server",
       {{"system", options.system},
        {"version", value("SELECT VERSION()")},
        {"sync_binlog", value("SELECT @@GLOBAL.sync_binlog")},
        {"innodb_flush_log_at_trx_commit", value("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit")},
        {"innodb_buffer_pool_size", value("SELECT @@GLOBAL.innodb_buffer_pool_size")}}},
      {"workload",
       {{"tables", options.scale.num_tables},
        {"rows_per_table", options.scale.rows_per_table},
        {"clients", options.num_clients},
        {"rounds", options.num_rounds},
        {"seconds_per_phase", options.phase_seconds},
        {"transaction", "10 point reads, 4 ranges of 100 rows, 2 updates, delete and insert"}}},
      {"measured",
       "milliseconds at the clients; probes: from a commit's end to RAPID's answer that has it"}};
}

// All latencies and the mean rate of the phases of one name.
struct PhaseSummary {
  double transactions_per_second = 0, p99_ms = 0;
};

PhaseSummary Summarize(const std::vector<OltpPhase>& phases, const std::string& name) {
  PhaseSummary summary;
  int count = 0;
  for (const OltpPhase& phase : phases) {
    if (phase.name != name) continue;
    ++count;
    summary.transactions_per_second += phase.TransactionsPerSecond();
    summary.p99_ms += phase.transactions.Percentile(0.99);
  }
  if (count == 0) return summary;
  summary.transactions_per_second /= count;
  summary.p99_ms /= count;
  return summary;
}

double Ratio(double a, double b) { return b > 0 ? a / b : 0; }

}  // namespace

Latencies::Latencies(std::vector<double> ms) : ms_(std::move(ms)) { std::ranges::sort(ms_); }

double Latencies::Percentile(double share) const {
  if (ms_.empty()) return 0;
  const auto rank = static_cast<size_t>(share * static_cast<double>(ms_.size()));
  return ms_[std::min(rank, ms_.size() - 1)];
}

nlohmann::json Latencies::ToJson() const {
  return {{"count", count()},
          {"p50_ms", Percentile(0.5)},
          {"p95_ms", Percentile(0.95)},
          {"p99_ms", Percentile(0.99)},
          {"max_ms", ms_.empty() ? 0 : ms_.back()}};
}

double OltpPhase::TransactionsPerSecond() const {
  return Ratio(static_cast<double>(transactions.count()), seconds);
}

bool OltpReport::Passed() const {
  return std::ranges::all_of(phases, [](const OltpPhase& p) { return p.stale_probes == 0; });
}

nlohmann::json OltpReport::ToJson() const {
  nlohmann::json json = header;
  for (const OltpPhase& phase : phases) {
    nlohmann::json one = {{"phase", phase.name},
                          {"seconds", phase.seconds},
                          {"transactions_per_second", phase.TransactionsPerSecond()},
                          {"deadlocks", phase.deadlocks},
                          {"transactions", phase.transactions.ToJson()}};
    if (phase.queries.count() != 0) one["analytic_queries"] = phase.queries.ToJson();
    if (phase.probes.count() != 0) {
      one["commit_to_answer"] = phase.probes.ToJson();
      one["stale_answers"] = phase.stale_probes;
    }
    json["phases"].push_back(std::move(one));
  }
  const PhaseSummary off = Summarize(phases, "off"), loaded = Summarize(phases, "loaded"),
                     analytic = Summarize(phases, "analytic");
  json["throughput_loaded_to_off"] =
      Ratio(loaded.transactions_per_second, off.transactions_per_second);
  json["throughput_analytic_to_off"] =
      Ratio(analytic.transactions_per_second, off.transactions_per_second);
  json["p99_loaded_to_off"] = Ratio(loaded.p99_ms, off.p99_ms);
  json["p99_analytic_to_off"] = Ratio(analytic.p99_ms, off.p99_ms);
  json["passed"] = Passed();
  return json;
}

std::string OltpReport::ToTable() const {
  std::string text =
      fmt::format("{:<9} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>10} {:>10}\n", "phase", "tx/s",
                  "p50 ms", "p95 ms", "p99 ms", "queries", "p50 ms", "fresh p50", "fresh p99");
  for (const OltpPhase& phase : phases)
    text += fmt::format(
        "{:<9} {:>8.1f} {:>8.2f} {:>8.2f} {:>8.2f} {:>9} {:>9.2f} {:>10.2f} {:>10.2f}\n",
        phase.name, phase.TransactionsPerSecond(), phase.transactions.Percentile(0.5),
        phase.transactions.Percentile(0.95), phase.transactions.Percentile(0.99),
        phase.queries.count(), phase.queries.Percentile(0.5), phase.probes.Percentile(0.5),
        phase.probes.Percentile(0.99));
  const nlohmann::json json = ToJson();
  return text + fmt::format(
                    "loaded / off: throughput {:.3f}, p99 {:.2f}; with analytic queries: "
                    "throughput {:.3f}, p99 {:.2f}{}\n",
                    json["throughput_loaded_to_off"].get<double>(),
                    json["p99_loaded_to_off"].get<double>(),
                    json["throughput_analytic_to_off"].get<double>(),
                    json["p99_analytic_to_off"].get<double>(), Passed() ? "" : "; STALE ANSWERS");
}

Result<OltpReport> BenchOltp(const OltpBenchOptions& options) {
  ASSIGN_OR_RETURN(tpch::Connection admin, tpch::Connection::Open(options.option_file, ""));
  RETURN_IF_ERROR(admin.Execute("CREATE DATABASE IF NOT EXISTS `" + options.database + "`"));
  RETURN_IF_ERROR(admin.Execute("USE `" + options.database + "`"));
  fmt::print(stderr, "creating {} tables of {} rows\n", options.scale.num_tables,
             options.scale.rows_per_table);
  RETURN_IF_ERROR(CreateOltpTables(admin, options.scale));
  RETURN_IF_ERROR(admin.Execute("DROP TABLE IF EXISTS probe"));
  RETURN_IF_ERROR(admin.Execute("CREATE TABLE probe (id INT PRIMARY KEY, v BIGINT)"));
  RETURN_IF_ERROR(admin.Execute("INSERT INTO probe VALUES (1, 0)"));

  OltpReport report{.header = Header(options, admin), .phases = {}};
  uint64_t seed = 0;
  const auto run = [&](const char* name, bool loaded, bool analytic) -> Result<void> {
    fmt::print(stderr, "{} ...\n", name);
    ASSIGN_OR_RETURN(OltpPhase phase, PhaseRun(options, name, loaded, analytic, ++seed).Run());
    report.phases.push_back(std::move(phase));
    return {};
  };
  for (int round = 0; round < options.num_rounds; ++round) {
    RETURN_IF_ERROR(SetEngine(admin, options.scale, false));
    RETURN_IF_ERROR(run("off", false, false));
    RETURN_IF_ERROR(SetEngine(admin, options.scale, true));
    RETURN_IF_ERROR(run("loaded", true, false));
    RETURN_IF_ERROR(run("analytic", true, true));
  }
  RETURN_IF_ERROR(admin.Execute("DROP DATABASE `" + options.database + "`"));
  return report;
}

}  // namespace sirocco::bench
