#include "cli/bench/oltp_workload.h"

#include <fmt/format.h>

#include <algorithm>

namespace sirocco::bench {
namespace {

constexpr int kPointReads = 10;
constexpr int kRangeRows = 100;
constexpr uint32_t kDeadlock = 1213;  // ER_LOCK_DEADLOCK

std::string TableName(int number) { return fmt::format("oltp{}", number + 1); }

std::string Letters(std::mt19937_64& random, int length) {
  std::string text;
  for (int i = 0; i < length; ++i)
    text.push_back(i % 12 == 11 ? '-' : static_cast<char>('0' + random() % 10));
  return text;
}

}  // namespace

Result<void> CreateOltpTables(tpch::Connection& connection, const OltpScale& scale) {
  constexpr int kRowsPerStatement = 1000;
  std::mt19937_64 random(1);
  for (int t = 0; t < scale.num_tables; ++t) {
    const std::string table = TableName(t);
    RETURN_IF_ERROR(connection.Execute("DROP TABLE IF EXISTS " + table));
    RETURN_IF_ERROR(connection.Execute(
        fmt::format("CREATE TABLE {} (id INT NOT NULL PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT "
                    "NULL, pad CHAR(60) NOT NULL, KEY k (k))",
                    table)));
    for (int first = 1; first <= scale.rows_per_table; first += kRowsPerStatement) {
      std::string insert = "INSERT INTO " + table + " VALUES ";
      const int last = std::min(first + kRowsPerStatement - 1, scale.rows_per_table);
      for (int id = first; id <= last; ++id)
        insert += fmt::format("{}({}, {}, '{}', '{}')", id == first ? "" : ", ", id,
                              1 + random() % static_cast<uint64_t>(scale.rows_per_table),
                              Letters(random, 119), Letters(random, 59));
      RETURN_IF_ERROR(connection.Execute(insert));
    }
  }
  return {};
}

std::string OltpClient::Table() {
  return TableName(static_cast<int>(random_() % static_cast<uint64_t>(scale_.num_tables)));
}

int OltpClient::Key() {
  return 1 + static_cast<int>(random_() % static_cast<uint64_t>(scale_.rows_per_table));
}

Result<void> OltpClient::Reads() {
  for (int i = 0; i < kPointReads; ++i)
    RETURN_IF_ERROR(
        connection_.Query(fmt::format("SELECT c FROM {} WHERE id = {}", Table(), Key())));
  for (const char* read : {"SELECT c FROM {} WHERE id BETWEEN {} AND {}",
                           "SELECT SUM(k) FROM {} WHERE id BETWEEN {} AND {}",
                           "SELECT c FROM {} WHERE id BETWEEN {} AND {} ORDER BY c",
                           "SELECT DISTINCT c FROM {} WHERE id BETWEEN {} AND {} ORDER BY c"}) {
    const int first = Key();
    RETURN_IF_ERROR(
        connection_.Query(fmt::format(fmt::runtime(read), Table(), first, first + kRangeRows - 1)));
  }
  return {};
}

Result<void> OltpClient::Writes() {
  RETURN_IF_ERROR(
      connection_.Execute(fmt::format("UPDATE {} SET k = k + 1 WHERE id = {}", Table(), Key())));
  RETURN_IF_ERROR(connection_.Execute(
      fmt::format("UPDATE {} SET c = '{}' WHERE id = {}", Table(), Letters(random_, 119), Key())));
  const std::string table = Table();
  const int key = Key();
  RETURN_IF_ERROR(connection_.Execute(fmt::format("DELETE FROM {} WHERE id = {}", table, key)));
  return connection_.Execute(fmt::format("INSERT INTO {} VALUES ({}, {}, '{}', '{}')", table, key,
                                         Key(), Letters(random_, 119), Letters(random_, 59)));
}

Result<bool> OltpClient::RunTransaction() {
  RETURN_IF_ERROR(connection_.Execute("BEGIN"));
  Result<void> done = Reads();
  if (done) done = Writes();
  if (done) done = connection_.Execute("COMMIT");
  if (done) return true;
  if (done.error().mysql_errno != kDeadlock) return std::unexpected(done.error());
  return false;
}

std::string AnalyticStatement(const OltpScale& scale, uint64_t number) {
  const std::string table =
      TableName(static_cast<int>(number % static_cast<uint64_t>(scale.num_tables)));
  const std::string other =
      TableName(static_cast<int>((number + 1) % static_cast<uint64_t>(scale.num_tables)));
  switch (number / static_cast<uint64_t>(scale.num_tables) % 3) {
    case 0:
      return fmt::format("SELECT k % 100, COUNT(*), SUM(id), MAX(c) FROM {} GROUP BY k % 100",
                         table);
    case 1:
      return fmt::format("SELECT COUNT(*), AVG(a.k + b.k) FROM {} a JOIN {} b ON a.id = b.k", table,
                         other);
    default:
      return fmt::format("SELECT k, COUNT(*) n FROM {} GROUP BY k ORDER BY n DESC, k LIMIT 10",
                         table);
  }
}

}  // namespace sirocco::bench
