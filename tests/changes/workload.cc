// sirocco-changes-workload: several sessions change a dozen loaded tables in all ways, another one
// alters them, and what RAPID answers is compared with InnoDB: at random moments for the rows a
// session owns, which nobody else changes, and at the end for everything. Exit code: 0 no
// difference, 1 differences, 2 wrong usage or no server.
#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <random>
#include <thread>

#include "connection.h"

namespace sirocco::changes_test {
namespace {

using Clock = std::chrono::steady_clock;

struct Table {
  const char* name;
  const char* definition;
  const char* values;  // of a row; @ID, @OWNER, @N (a number), @S (a text) are filled in
  const char* set;     // assignments of an UPDATE
  bool has_key;        // id is unique
};

// Every table has the columns id and owner.
constexpr Table kTables[] = {
    {"plain", "id INT PRIMARY KEY, owner INT, v INT, s VARCHAR(40)", "@ID, @OWNER, @N, '@S'",
     "v = v + @N, s = '@S'", true},
    {"nokey", "id INT, owner INT, v INT, s VARCHAR(40), d DOUBLE", "@ID, @OWNER, @N, '@S', @N / 8",
     "v = @N, d = d * 2", false},
    {"composite",
     "id INT, owner INT, dec1 DECIMAL(12,2), big DECIMAL(30,5), d DATE, dt DATETIME(3), ts "
     "TIMESTAMP(6) NULL, PRIMARY KEY (owner, id)",
     "@ID, @OWNER, @N.25, -@N.5, DATE '2020-01-01' + INTERVAL @N DAY, TIMESTAMP'2021-02-03 "
     "04:05:06.789' + INTERVAL @N SECOND, NULL",
     "dec1 = dec1 + 0.5, d = d + INTERVAL 1 DAY, ts = TIMESTAMP'2022-01-01 00:00:00.123456'", true},
    {"uniquekey", "id INT NOT NULL, owner INT, v BIGINT UNSIGNED, UNIQUE KEY (id)",
     "@ID, @OWNER, 18446744073709551615 - @N", "v = @N", true},
    {"blobs", "id INT PRIMARY KEY, owner INT, t TEXT, b BLOB, j JSON",
     "@ID, @OWNER, REPEAT('@S', 20), UNHEX('00ff0@H'), JSON_OBJECT('a', @N, 'b', '@S')",
     "j = JSON_SET(j, '$.a', @N), t = CONCAT(t, '@S')", true},
    {"kinds",
     "id INT PRIMARY KEY, owner INT, e ENUM('x','y','z'), st SET('p','q','r'), bt BIT(11), yr "
     "YEAR, "
     "tm TIME(2), c CHAR(10), bin BINARY(6), f FLOAT",
     "@ID, @OWNER, 1 + @N % 3, @N % 8, @N % 2048, 1990 + @N % 60, SEC_TO_TIME(@N - 500), '@S', "
     "'@H', @N / 3",
     "e = 1 + @N % 3, bt = @N % 2048, c = '@S ', tm = SEC_TO_TIME(-@N), bin = 'a'", true},
    {"parts", "id INT PRIMARY KEY, owner INT, v INT, s VARCHAR(40)", "@ID, @OWNER, @N, '@S'",
     "v = v - @N", true},
    {"computed",
     "id INT PRIMARY KEY, owner INT, v INT, virt INT AS (v * 2) VIRTUAL, kept INT AS (v + 1) "
     "STORED, s VARCHAR(20) DEFAULT 'dflt'",
     "@ID, @OWNER, @N, DEFAULT, DEFAULT, DEFAULT", "v = v + @N", true},
    {"parent", "id INT PRIMARY KEY, owner INT, v INT", "@ID, @OWNER, @N", "v = @N", true},
    {"child",
     "id INT, owner INT, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE "
     "ON UPDATE CASCADE",
     "@ID, @OWNER, (SELECT MIN(id) FROM parent p WHERE owner = @OWNER AND id >= @ID)",
     "id = id + 1", false},
    {"watched", "id INT PRIMARY KEY, owner INT, v INT", "@ID, @OWNER, @N", "v = @N", true},
    {"audit", "id INT, owner INT, what VARCHAR(20), n INT", "@ID, @OWNER, '@S', @N", "n = @N",
     false},
};
constexpr size_t kNumTables = std::size(kTables);
constexpr int kIdsPerOwner = 400;

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  int Below(int n) { return static_cast<int>(engine_() % static_cast<uint64_t>(n)); }
  bool Chance(int percent) { return Below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

struct Counts {
  std::atomic<int64_t> statements{0}, failed{0}, compared{0}, refused{0}, different{0}, changed{0};
};

std::string Fill(std::string text, const std::vector<std::pair<std::string, std::string>>& values) {
  for (const auto& [name, value] : values)
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), value);
  return text;
}

class Worker {
 public:
  Worker(const std::string& defaults_file, int owner, uint64_t seed, Counts* counts)
      : connection_(defaults_file), owner_(owner), random_(seed), counts_(counts) {}

  void Run(Clock::time_point end, std::atomic<bool>* stop) {
    if (!connection_.is_open()) return;
    connection_.Run("USE changes_test; SET SESSION rapid_freshness_timeout = 60000");
    while (Clock::now() < end && !*stop) {
      if (random_.Chance(4)) SetSession();
      Step();
      if (random_.Chance(25)) Compare(random_.Below(kNumTables));
    }
  }

 private:
  bool Do(const std::string& sql) {
    const Answer answer = connection_.Run(sql);
    ++counts_->statements;
    if (!answer.ok()) ++counts_->failed;
    return answer.ok();
  }

  std::string Owner() const { return std::to_string(owner_); }
  std::string Id() { return std::to_string(owner_ * 100000 + random_.Below(kIdsPerOwner)); }
  std::string Text() {
    static const char* const kTexts[] = {"", "a", "Bee", "müller", "zzzzzzzz", "\u00e9t\u00e9 ",
                                         "0"};
    return kTexts[random_.Below(std::size(kTexts))];
  }
  std::string Fill(const char* text, const std::string& id) {
    return changes_test::Fill(text, {{"@ID", id},
                                     {"@OWNER", Owner()},
                                     {"@N", std::to_string(random_.Below(1000))},
                                     {"@S", Text()},
                                     {"@H", std::to_string(random_.Below(10))}});
  }
  const Table& AnyTable() { return kTables[random_.Below(kNumTables)]; }

  void SetSession() {
    static const char* const kImages[] = {"FULL", "FULL", "MINIMAL", "NOBLOB"};
    Do(std::string("SET SESSION binlog_row_image = ") + kImages[random_.Below(4)]);
    if (random_.Chance(50))
      Do(std::string("SET SESSION binlog_transaction_compression = ") +
         (random_.Chance(50) ? "ON" : "OFF"));
  }

  std::string RowsOf(const Table& table, int count) {
    std::string rows;
    for (int i = 0; i < count; ++i) rows += (i == 0 ? "(" : ", (") + Fill(table.values, Id()) + ")";
    return rows;
  }
  std::string Where() {
    const int from = owner_ * 100000 + random_.Below(kIdsPerOwner);
    return " WHERE owner = " + Owner() + " AND id BETWEEN " + std::to_string(from) + " AND " +
           std::to_string(from + random_.Below(40));
  }

  std::string Change() {
    const Table& table = AnyTable();
    const std::string name = table.name;
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
        return "INSERT IGNORE INTO " + name + " VALUES " + RowsOf(table, 1 + random_.Below(12));
      case 3:
        return "REPLACE INTO " + name + " VALUES " + RowsOf(table, 1 + random_.Below(4));
      case 4:
        return "INSERT INTO " + name + " VALUES " + RowsOf(table, 1) +
               " ON DUPLICATE KEY UPDATE owner = " + name + ".owner, " + Fill(table.set, Id());
      case 5:
      case 6:
        return "UPDATE " + name + " SET " + Fill(table.set, Id()) + Where();
      case 7:
        // The key itself moves within what the session owns.
        return "UPDATE IGNORE " + name + " SET id = id + " + std::to_string(1 + random_.Below(20)) +
               Where() + " ORDER BY id DESC";
      case 8:
        return "DELETE FROM " + name + Where();
      default:
        return random_.Chance(50)
                   ? "UPDATE plain, composite SET plain.v = plain.v + 1, composite.dec1 = 7 WHERE "
                     "plain.owner = " +
                         Owner() + " AND composite.owner = " + Owner() +
                         " AND plain.id = composite.id AND plain.id % 5 = " +
                         std::to_string(random_.Below(5))
                   : "DELETE nokey, audit FROM nokey, audit WHERE nokey.owner = " + Owner() +
                         " AND audit.owner = " + Owner() +
                         " AND nokey.id = audit.id AND nokey.id % 9 = " +
                         std::to_string(random_.Below(9));
    }
  }

  void Step() {
    const int kind = random_.Below(100);
    if (kind < 50) {
      Do(Change());
    } else if (kind < 85) {
      Do("BEGIN");
      for (int i = random_.Below(6); i >= 0; --i) Do(Change());
      if (random_.Chance(30)) {
        Do("SAVEPOINT s1");
        Do(Change());
        Do(Change());
        if (random_.Chance(60)) Do("ROLLBACK TO s1");
        Do(Change());
      }
      Do(random_.Chance(75) ? "COMMIT" : "ROLLBACK");
    } else if (kind < 95) {
      const std::string xid = "'x" + Owner() + "'";
      if (!Do("XA START " + xid)) return;
      for (int i = random_.Below(3); i >= 0; --i) Do(Change());
      Do("XA END " + xid);
      if (random_.Chance(20)) {
        if (!Do("XA COMMIT " + xid + " ONE PHASE")) Do("XA ROLLBACK " + xid);
        return;
      }
      if (!Do("XA PREPARE " + xid)) {
        Do("XA ROLLBACK " + xid);
        return;
      }
      if (!Do((random_.Chance(70) ? "XA COMMIT " : "XA ROLLBACK ") + xid)) Do("XA ROLLBACK " + xid);
    } else {
      // Swap two keys.
      const std::string a = Id(), b = Id(), away = std::to_string(owner_ * 100000 + 90000);
      Do("BEGIN");
      Do("UPDATE plain SET id = " + away + " WHERE id = " + a);
      Do("UPDATE plain SET id = " + a + " WHERE id = " + b);
      Do("UPDATE plain SET id = " + b + " WHERE id = " + away);
      Do("COMMIT");
    }
  }

  // Own rows: only this session and structural changes (TRUNCATE) change them.
  void Compare(int index) {
    const std::string query =
        std::string("SELECT * FROM ") + kTables[index].name + " WHERE owner = " + Owner();
    for (int attempt = 0; attempt < 3; ++attempt) {
      connection_.Run("SET SESSION use_secondary_engine = OFF");
      const Answer before = connection_.RunSorted(query);
      connection_.Run("SET SESSION use_secondary_engine = FORCED");
      const Answer rapid = connection_.RunSorted(query);
      connection_.Run("SET SESSION use_secondary_engine = OFF");
      if (!before.ok() || !rapid.ok()) {
        ++counts_->refused;
        return;
      }
      if (before.rows == rapid.rows) {
        ++counts_->compared;
        return;
      }
      const Answer after = connection_.RunSorted(query);
      if (!after.ok() || after.rows != before.rows) continue;
      if (++counts_->different <= 10)
        std::printf("different: %s: InnoDB %zu rows, RAPID %zu rows\n", query.c_str(),
                    before.rows.size(), rapid.rows.size());
      return;
    }
  }

  Connection connection_;
  int owner_;
  Random random_;
  Counts* counts_;
};

// Structural changes, one after the other.
void Alter(const std::string& defaults_file, uint64_t seed, Clock::time_point end,
           std::atomic<bool>* stop, Counts* counts) {
  Connection connection(defaults_file);
  Random random(seed);
  connection.Run("USE changes_test; SET SESSION lock_wait_timeout = 2");
  while (Clock::now() < end && !*stop) {
    const std::string name = kTables[random.Below(kNumTables)].name;
    const std::string table = "ALTER TABLE " + name;
    std::vector<std::string> statements;
    switch (random.Below(9)) {
      case 0:
        statements = {table + " COMMENT = 'c" + std::to_string(random.Below(100)) + "'"};
        break;
      case 1:
        statements = {table + " ADD INDEX extra (owner)", table + " DROP INDEX extra"};
        break;
      case 2:
        statements = {table + " ADD COLUMN extra INT DEFAULT 5 FIRST",
                      table + " DROP COLUMN extra"};
        break;
      case 3:
        statements = {"RENAME TABLE " + name + " TO away", "RENAME TABLE away TO " + name};
        break;
      case 4:
        statements = {"FLUSH BINARY LOGS"};
        break;
      case 5:
        statements = {random.Chance(50) ? "TRUNCATE TABLE audit" : "TRUNCATE TABLE plain"};
        break;
      case 6:
        statements = {"RENAME TABLE plain TO away, watched TO plain, away TO watched",
                      "RENAME TABLE plain TO away, watched TO plain, away TO watched"};
        if (name == "plain")
          statements = {"ALTER TABLE plain ALTER COLUMN v SET DEFAULT 3"};
        else
          statements = {table + " FORCE"};
        break;
      case 7:
        statements = {random.Chance(50) ? "ALTER TABLE parts TRUNCATE PARTITION p1"
                                        : "ALTER TABLE parts REBUILD PARTITION p2"};
        break;
      default:
        statements = {"OPTIMIZE TABLE " + name};
        break;
    }
    for (const std::string& statement : statements) {
      for (int attempt = 0; attempt < 20; ++attempt) {
        const Answer answer = connection.Run(statement);
        if (answer.ok()) {
          ++counts->changed;
          break;
        }
        if (answer.error != 1205) break;  // lock wait timeout: again
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + random.Below(1500)));
  }
}

// Everything must be equal once nobody writes; waits for tables that are being loaded.
int CompareAll(Connection* connection) {
  int different = 0;
  connection->Run("USE changes_test; SET SESSION rapid_freshness_timeout = 60000");
  for (const Table& table : kTables) {
    const std::string query = std::string("SELECT * FROM ") + table.name;
    connection->Run("SET SESSION use_secondary_engine = OFF");
    const Answer innodb = connection->RunSorted(query);
    connection->Run("SET SESSION use_secondary_engine = FORCED");
    Answer rapid;
    for (int attempt = 0; attempt < 1200; ++attempt) {
      rapid = connection->RunSorted(query);
      if (rapid.ok()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    if (!innodb.ok() || !rapid.ok()) {
      std::printf("%s: %s\n", table.name, (innodb.ok() ? rapid : innodb).message.c_str());
      ++different;
    } else if (innodb.rows != rapid.rows) {
      std::printf("%s is different: InnoDB %zu rows, RAPID %zu rows\n", table.name,
                  innodb.rows.size(), rapid.rows.size());
      ++different;
    } else {
      std::printf("%s: %zu rows, equal\n", table.name, innodb.rows.size());
    }
  }
  connection->Run("SET SESSION use_secondary_engine = OFF");
  return different;
}

int Main(int argc, char** argv) {
  CLI::App app("Random changes of loaded tables");
  std::string defaults_file;
  uint64_t seed = 0;
  int seconds = 20, num_threads = 3;
  bool no_ddl = false;
  app.add_option("--defaults-file", defaults_file)->required();
  app.add_option("--seed", seed, "0: of the clock");
  app.add_option("--seconds", seconds);
  app.add_option("--threads", num_threads);
  app.add_flag("--no-ddl", no_ddl);
  CLI11_PARSE(app, argc, argv);
  if (seed == 0) seed = static_cast<uint64_t>(Clock::now().time_since_epoch().count()) % 1000000000;
  std::printf("seed %lu\n", static_cast<unsigned long>(seed));
  std::fflush(stdout);

  Connection connection(defaults_file);
  if (!connection.is_open()) {
    std::printf("no server: %s\n", connection.Error().c_str());
    return 2;
  }
  connection.Run(
      "DROP DATABASE IF EXISTS changes_test; CREATE DATABASE changes_test; USE changes_test");
  for (const Table& table : kTables) {
    Answer made =
        connection.Run(std::string("CREATE TABLE ") + table.name + " (" + table.definition + ")");
    if (made.ok() && std::string(table.name) == "parts")
      made = connection.Run("ALTER TABLE parts PARTITION BY HASH (id) PARTITIONS 4");
    if (made.ok())
      made = connection.Run(std::string("ALTER TABLE ") + table.name + " SECONDARY_ENGINE = RAPID");
    if (made.ok())
      made = connection.Run(std::string("ALTER TABLE ") + table.name + " SECONDARY_LOAD");
    if (!made.ok()) {
      std::printf("cannot make %s: %s\n", table.name, made.message.c_str());
      return 2;
    }
  }
  const Answer trigger = connection.Run(
      "CREATE TRIGGER watch_insert AFTER INSERT ON watched FOR EACH ROW INSERT INTO audit VALUES "
      "(NEW.id, NEW.owner, 'insert', NEW.v); CREATE TRIGGER watch_delete BEFORE DELETE ON watched "
      "FOR "
      "EACH ROW UPDATE audit SET what = 'deleted' WHERE id = OLD.id AND owner = OLD.owner");
  if (!trigger.ok()) std::printf("no triggers: %s\n", trigger.message.c_str());

  Counts counts;
  std::atomic<bool> stop{false};
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  std::vector<std::thread> threads;
  for (int i = 0; i < num_threads; ++i)
    threads.emplace_back([&, i] {
      Worker(defaults_file, i + 1, seed * 100 + static_cast<uint64_t>(i), &counts).Run(end, &stop);
    });
  if (!no_ddl)
    threads.emplace_back([&] { Alter(defaults_file, seed * 100 + 99, end, &stop, &counts); });
  for (std::thread& thread : threads) thread.join();
  const int different = CompareAll(&connection);
  std::printf(
      "%ld statements (%ld failed), %ld structural; %ld comparisons on the way, %ld refused, "
      "%ld different; %d tables different at the end\n",
      static_cast<long>(counts.statements), static_cast<long>(counts.failed),
      static_cast<long>(counts.changed), static_cast<long>(counts.compared),
      static_cast<long>(counts.refused), static_cast<long>(counts.different), different);
  if (different + counts.different == 0) connection.Run("DROP DATABASE changes_test");
  return different + counts.different == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sirocco::changes_test

int main(int argc, char** argv) { return sirocco::changes_test::Main(argc, argv); }
