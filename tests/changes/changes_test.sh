#!/usr/bin/env bash
# Loaded tables follow InnoDB, on a system of its own: freshness, structural changes, unlogged writes, rotation and reset of
# the binary log, death of the node and of the server, random work.
# Usage: changes_test.sh PATH_OF_SIROCCO PATH_OF_FRESHNESS PATH_OF_WORKLOAD [--long]
set -uo pipefail
sirocco=$1
freshness=$2
workload=$3
long=${4:-}
export SIROCCO_HOME
SIROCCO_HOME=$(mktemp -d /tmp/changes.XXXXXX)
failures=0
name=changes
port=$((20000 + RANDOM % 12000))
client=$SIROCCO_HOME/systems/$name/client.cnf

cleanup() {
  "$sirocco" destroy "$name" --yes --force >/dev/null 2>&1
  rm -rf "$SIROCCO_HOME"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
sql() { "$sirocco" sql "$name" -N -B -e "$1" 2>&1; }
status_of() { sql "SELECT variable_value FROM performance_schema.global_status WHERE variable_name = '$1'"; }
# Runs a condition until it holds, at most 60 s.
wait_for() {
  local what=$1 i
  shift
  for ((i = 0; i < 600; ++i)); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  fail "waited in vain: $what; $(sql "SELECT NAME, LOAD_STATUS, REASON FROM performance_schema.rpd_tables JOIN performance_schema.rpd_table_id USING (ID)")"
  return 1
}
state_of() { sql "SELECT LOAD_STATUS FROM performance_schema.rpd_tables JOIN performance_schema.rpd_table_id USING (ID) WHERE NAME = '$1'"; }
available() { [ "$(state_of "$1")" = AVAIL_RPDGSTABSTATE ]; }
online() { [ "$(status_of rapid_service_status)" = ONLINE ]; }
# The table's rows with offload off and forced; waits until it can be queried.
same() {
  local table=$1
  wait_for "$table can be queried" available "$table" || return
  sql "SET use_secondary_engine = OFF; SELECT * FROM $table" | sort >"$SIROCCO_HOME/innodb"
  sql "SET use_secondary_engine = FORCED; SELECT * FROM $table" | sort >"$SIROCCO_HOME/rapid"
  cmp -s "$SIROCCO_HOME/innodb" "$SIROCCO_HOME/rapid" || fail "$2: $table: InnoDB $(wc -l <"$SIROCCO_HOME/innodb") rows, RAPID $(wc -l <"$SIROCCO_HOME/rapid"): $(diff "$SIROCCO_HOME/innodb" "$SIROCCO_HOME/rapid" | head -5)"
}
log() { cat "$SIROCCO_HOME/systems/$name/logs/mysqld.log"; }
loads_of() { log | grep -c "table $1 is loaded again"; }
keeps_of() { log | grep -c "table $1 keeps its data"; }

"$sirocco" up "$name" --port "$port" --memory 1G --no-time-zones >"$SIROCCO_HOME/up.log" 2>&1 || {
  cat "$SIROCCO_HOME/up.log"
  echo "FAILED: the system does not start"
  exit 1
}
sql "SET GLOBAL log_error_verbosity = 3; CREATE DATABASE d; USE d;
  CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(20)) SECONDARY_ENGINE = RAPID;
  INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
  CREATE TABLE u (a INT, b VARCHAR(10)) SECONDARY_ENGINE = RAPID;
  INSERT INTO u VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
  CREATE TABLE p (id INT PRIMARY KEY, v INT) SECONDARY_ENGINE = RAPID PARTITION BY HASH (id) PARTITIONS 3;
  INSERT INTO p VALUES (1, 1), (2, 2), (3, 3), (4, 4);
  ALTER TABLE t SECONDARY_LOAD; ALTER TABLE u SECONDARY_LOAD; ALTER TABLE p SECONDARY_LOAD" >"$SIROCCO_HOME/load.log" || fail "load: $(cat "$SIROCCO_HOME/load.log")"
[ "$(status_of rapid_change_propagation_status)" = ON ] || fail "changes are not followed"

echo "== freshness"
rounds=2000
[ -z "$long" ] || rounds=20000
"$freshness" --defaults-file "$client" --rounds $rounds || fail "freshness"
"$freshness" --defaults-file "$client" --rounds $((rounds / 10)) --writers 2 || fail "freshness beside writers"

echo "== structural changes that keep the data"
before=$(loads_of d.t)
for change in "COMMENT = 'x'" "ADD INDEX vi (v)" "RENAME INDEX vi TO vj" "ALTER COLUMN v SET DEFAULT 9" "DROP INDEX vj"; do
  kept=$(keeps_of d.t)
  sql "ALTER TABLE d.t $change; INSERT INTO d.t (id, s) VALUES ($((RANDOM * 100 + failures)), '$RANDOM')"
  same d.t "ALTER $change"
  [ "$(keeps_of d.t)" -gt "$kept" ] || fail "ALTER $change did not keep the data"
done
sql "RENAME TABLE d.t TO d.t2; INSERT INTO d.t2 (id) VALUES (777); UPDATE d.t2 SET v = 5 WHERE id = 1"
same d.t2 "RENAME"
sql "RENAME TABLE d.t2 TO d.t3, d.u TO d.t2, d.t3 TO d.u; INSERT INTO d.t2 VALUES (5, 'swap'); INSERT INTO d.u (id) VALUES (778)"
same d.t2 "RENAME of two tables"
same d.u "RENAME of two tables"
sql "RENAME TABLE d.u TO d.t, d.t2 TO d.u"
same d.t "RENAME back"
same d.u "RENAME back"

echo "== structural changes that load again"
for change in "ALTER TABLE d.t ADD COLUMN extra INT DEFAULT 3 FIRST" "ALTER TABLE d.t MODIFY s VARCHAR(50)" \
  "ALTER TABLE d.t DROP COLUMN extra" "ALTER TABLE d.t DROP COLUMN v, ADD COLUMN v INT" "ALTER TABLE d.t FORCE" \
  "ALTER TABLE d.t RENAME COLUMN v TO w" "OPTIMIZE TABLE d.t" "ALTER TABLE d.t DROP PRIMARY KEY" "ALTER TABLE d.t ADD PRIMARY KEY (id)" \
  "TRUNCATE TABLE d.t"; do
  sql "$change" >"$SIROCCO_HOME/change.log" || fail "$change: $(cat "$SIROCCO_HOME/change.log")"
  sql "INSERT INTO d.t (id, s) VALUES ($((900 + RANDOM % 50)), 'after') ON DUPLICATE KEY UPDATE s = 'again'"
  same d.t "$change"
done
for change in "TRUNCATE PARTITION p1" "ADD PARTITION PARTITIONS 1" "COALESCE PARTITION 2" "REBUILD PARTITION p0" "REMOVE PARTITIONING"; do
  sql "ALTER TABLE d.p $change; REPLACE INTO d.p VALUES (7, $RANDOM)"
  same d.p "ALTER $change"
done
sql "CREATE TABLE d.like_t LIKE d.t; INSERT INTO d.like_t SELECT * FROM d.t"
same d.t "CREATE LIKE"
sql "DROP TABLE d.p; CREATE TABLE d.p (id INT PRIMARY KEY, x INT) SECONDARY_ENGINE = RAPID; INSERT INTO d.p VALUES (1, 1)"
[ -z "$(state_of d.p)" ] || fail "a dropped table is still known"

echo "== unlogged writes: stale, then loaded again"
sql "SET sql_log_bin = 0; INSERT INTO d.t (id) VALUES (5001)"
same d.t "sql_log_bin = 0"
sql "SET binlog_format = STATEMENT; UPDATE d.t SET s = 'text'"
same d.t "binlog_format = STATEMENT"
refused=$(sql "SET GLOBAL rapid_unlogged_writes = ERROR; SET sql_log_bin = 0; DELETE FROM d.t")
grep -q 3098 <<<"$refused" || fail "an unlogged write did not fail: $refused"
sql "SET GLOBAL rapid_unlogged_writes = MARK_STALE"
same d.t "refused write"

echo "== the binary log: rotation, purge, reset"
sql "FLUSH BINARY LOGS; INSERT INTO d.t (id) VALUES (6001); FLUSH BINARY LOGS; UPDATE d.t SET s = 'r' WHERE id = 6001"
same d.t "rotation"
sql "PURGE BINARY LOGS BEFORE NOW(); INSERT INTO d.t (id) VALUES (6002)"
same d.t "purge"
sql "RESET BINARY LOGS AND GTIDS; INSERT INTO d.t (id) VALUES (6003)"
same d.t "reset"
sql "SET GLOBAL binlog_checksum = NONE; INSERT INTO d.t (id) VALUES (6004); SET GLOBAL binlog_checksum = CRC32; INSERT INTO d.t (id) VALUES (6005)"
same d.t "checksum"

echo "== load while others write"
sql "CREATE TABLE d.busy (id INT AUTO_INCREMENT PRIMARY KEY, v INT) SECONDARY_ENGINE = RAPID; INSERT INTO d.busy (v) WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900) SELECT n FROM n; INSERT INTO d.busy (v) SELECT a.v FROM d.busy a, d.busy b LIMIT 100000"
for _ in $(seq 300); do echo "INSERT INTO d.busy (v) VALUES (1); UPDATE d.busy SET v = v + 1 WHERE id BETWEEN $((RANDOM * 3)) AND $((RANDOM * 3)); DELETE FROM d.busy WHERE id = $RANDOM;"; done >"$SIROCCO_HOME/busy.sql"
"$sirocco" sql "$name" <"$SIROCCO_HOME/busy.sql" >/dev/null 2>&1 &
writer=$!
for _ in 1 2 3; do sql "ALTER TABLE d.busy SECONDARY_LOAD"; done
wait $writer
same d.busy "load beside writers"

echo "== the node dies, with writes before, meanwhile and after"
sql "XA START 'open'; INSERT INTO d.t (id) VALUES (7001); XA END 'open'; XA PREPARE 'open'"
sql "INSERT INTO d.u VALUES (6, 'before')"
kill -9 "$(status_of rapid_node_pid)"
sql "INSERT INTO d.u VALUES (7, 'meanwhile'); DELETE FROM d.u WHERE a = 1"
wait_for "node is back" online
sql "XA COMMIT 'open'; INSERT INTO d.u VALUES (8, 'after')"
same d.u "node killed"
same d.t "node killed with a prepared transaction"
same d.busy "node killed"

echo "== the server dies"
pid=$("$sirocco" status "$name" --json | sed -n 's/^ *"pid": \([0-9]*\).*/\1/p' | head -1)
sql "INSERT INTO d.u VALUES (9, 'before'); SET sql_log_bin = 0; INSERT INTO d.t (id) VALUES (7002)"
kill -9 "$pid"
sleep 1
"$sirocco" up "$name" >"$SIROCCO_HOME/up2.log" 2>&1 || fail "start after kill: $(cat "$SIROCCO_HOME/up2.log")"
wait_for "node is back" online
sql "INSERT INTO d.u VALUES (10, 'after')"
same d.u "server killed"
same d.t "server killed"

echo "== restart of the server"
# The node keeps copies of tables that have come to rest.
copied() { [ "$(grep -c "checkpoint of d.u" "$SIROCCO_HOME/systems/$name"/logs/rapidd.log)" -gt "$copies" ]; }
copies=$(grep -c "checkpoint of d.u" "$SIROCCO_HOME/systems/$name"/logs/rapidd.log)
sql "SET PERSIST log_error_verbosity = 3; INSERT INTO d.u VALUES (11, 'copied')"
wait_for "the node has copied the table" copied
again=$(log | grep -c "table d.u is used again")
"$sirocco" restart "$name" >/dev/null 2>&1 || fail "restart"
wait_for "node is back" online
sql "DELETE FROM d.u WHERE a > 8"
same d.u "server restarted"
[ "$(log | grep -c "table d.u is used again")" -gt "$again" ] || fail "the node's copy was not used after a restart"
same d.t "server restarted"
same d.busy "server restarted"

echo "== random work"
seconds=15
[ -z "$long" ] || seconds=600
"$workload" --defaults-file "$client" --seconds $seconds --threads 3 || fail "random work"

if [ $failures -ne 0 ]; then
  tail -n 40 "$SIROCCO_HOME/systems/$name"/logs/*.log
fi
echo "$failures failed"
[ $failures -eq 0 ]
