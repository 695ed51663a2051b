// sirocco-freshness: commits in one session and reads with RAPID forced in another, many times; a
// read that does not see the commit is a miss. With writers, others commit all the time meanwhile.
// Prints the time from the end of a commit to the end of the read that saw it. Exit code: 0 no
// miss, 1 misses or errors, 2 wrong usage or no server.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "connection.h"

namespace sirocco::changes_test {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double Percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * values.size()))];
}

int Main(int argc, char** argv) {
  CLI::App app("Freshness of RAPID tables");
  std::string defaults_file;
  int rounds = 2000, num_writers = 0;
  app.add_option("--defaults-file", defaults_file)->required();
  app.add_option("--rounds", rounds);
  app.add_option("--writers", num_writers, "Sessions that write other rows of the table meanwhile");
  CLI11_PARSE(app, argc, argv);

  Connection writer(defaults_file), reader(defaults_file);
  if (!writer.is_open() || !reader.is_open()) {
    std::printf("no server: %s\n", writer.Error().c_str());
    return 2;
  }
  const Answer made = writer.Run(
      "CREATE DATABASE IF NOT EXISTS freshness; DROP TABLE IF EXISTS freshness.t; CREATE TABLE "
      "freshness.t (id INT PRIMARY KEY, v BIGINT NOT NULL, s VARCHAR(30)) SECONDARY_ENGINE = "
      "RAPID; "
      "INSERT INTO freshness.t VALUES (1, 0, 'x'), (2, 0, 'y'); ALTER TABLE freshness.t "
      "SECONDARY_LOAD");
  if (!made.ok()) {
    std::printf("cannot make the table: %s\n", made.message.c_str());
    return 2;
  }
  reader.Run("SET SESSION use_secondary_engine = FORCED, rapid_freshness_timeout = 60000");

  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < num_writers; ++i)
    writers.emplace_back([&, i] {
      Connection connection(defaults_file);
      for (int n = 0; !stop; ++n) {
        const std::string id = std::to_string(100 + i * 1000 + n % 500);
        connection.Run("REPLACE INTO freshness.t VALUES (" + id + ", 1, REPEAT('z', " +
                       std::to_string(n % 30) + "))");
      }
    });

  int misses = 0, errors = 0;
  std::vector<double> delays;
  const auto begin = Clock::now();
  for (int round = 1; round <= rounds; ++round) {
    std::string expected = std::to_string(round);
    // Several kinds of changes; the sum over the first two rows tells them all.
    const Answer written =
        round % 4 == 0   ? writer.Run("UPDATE freshness.t SET v = v + 1 WHERE id = 1")
        : round % 4 == 1 ? writer.Run(
                               "BEGIN; UPDATE freshness.t SET v = v + 2 WHERE id = 2; UPDATE "
                               "freshness.t SET v = v - 1 WHERE id = 1; COMMIT")
        : round % 4 == 2 ? writer.Run(
                               "DELETE FROM freshness.t WHERE id = 3; INSERT INTO "
                               "freshness.t VALUES (3, 0, NULL); UPDATE freshness.t SET v = v "
                               "+ 1 WHERE id = 2")
                         : writer.Run(
                               "INSERT INTO freshness.t VALUES (1, 0, 'k') ON DUPLICATE KEY "
                               "UPDATE v = freshness.t.v + 1");
    const auto committed = Clock::now();
    const Answer read = reader.Run("SELECT SUM(v) FROM freshness.t WHERE id < 4");
    delays.push_back(Milliseconds(Clock::now() - committed));
    if (!written.ok() || !read.ok()) {
      if (++errors <= 5)
        std::printf("round %d: %s\n", round, (written.ok() ? read : written).message.c_str());
    } else if (read.Scalar() != expected) {
      if (++misses <= 5)
        std::printf("round %d: expected %s, read %s\n", round, expected.c_str(),
                    read.Scalar().c_str());
    }
  }
  const double seconds = Milliseconds(Clock::now() - begin) / 1000;
  stop = true;
  for (std::thread& thread : writers) thread.join();
  std::printf(
      "%d rounds in %.1f s, %d misses, %d errors; commit to read: p50 %.3f ms, p99 %.3f ms\n",
      rounds, seconds, misses, errors, Percentile(delays, 0.5), Percentile(delays, 0.99));
  for (const char* name : {"rapid_change_delay_p50_us", "rapid_change_delay_p99_us"})
    std::printf("%s %s\n", name,
                writer
                    .Run(std::string("SELECT variable_value FROM performance_schema.global_status "
                                     "WHERE variable_name = '") +
                         name + "'")
                    .Scalar()
                    .c_str());
  writer.Run("DROP DATABASE freshness");
  return misses + errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sirocco::changes_test

int main(int argc, char** argv) { return sirocco::changes_test::Main(argc, argv); }
