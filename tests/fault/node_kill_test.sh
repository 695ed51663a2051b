#!/usr/bin/env bash
# kill -9 of the node while it runs a query: that client gets an error or InnoDB's answer, other connections notice nothing, the
# server stays up, and the node comes back with its tables by itself. Also: KILL QUERY and a client that goes away.
# Usage: node_kill_test.sh PATH_OF_SIROCCO
set -uo pipefail
sirocco=$1
export SIROCCO_HOME
SIROCCO_HOME=$(mktemp -d /tmp/fault.XXXXXX)
failures=0
name=fault
port=$((20000 + RANDOM % 12000))

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
  fail "waited in vain: $what"
  return 1
}

"$sirocco" up "$name" --port "$port" --memory 1G --no-time-zones >"$SIROCCO_HOME/up.log" 2>&1 || {
  cat "$SIROCCO_HOME/up.log"
  echo "FAILED: the system does not start"
  exit 1
}
sql "CREATE DATABASE d; USE d; SET cte_max_recursion_depth = 100000;
  CREATE TABLE t (id INT PRIMARY KEY, v INT, s VARCHAR(20)) SECONDARY_ENGINE = RAPID;
  INSERT INTO t WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000) SELECT n, n % 100, CONCAT('s', n % 7) FROM n;
  ALTER TABLE t SECONDARY_LOAD" >"$SIROCCO_HOME/load.log" || fail "load: $(cat "$SIROCCO_HOME/load.log")"

# 8e12 pairs of rows: ends only when it is stopped.
endless="SELECT SUM(a.v * b.v + c.v) FROM d.t a, d.t b, d.t c WHERE a.v + b.v + c.v <> 5"
forced="SET SESSION use_secondary_engine = FORCED; "
running() { [ "$(sql "SELECT QUERIES_RUNNING FROM performance_schema.rpd_nodes")" = 1 ]; }
not_running() { [ "$(sql "SELECT QUERIES_RUNNING FROM performance_schema.rpd_nodes")" = 0 ]; }
online() { [ "$(status_of rapid_service_status)" = ONLINE ]; }
loaded() { [ "$(sql "SELECT LOAD_STATUS FROM performance_schema.rpd_tables")" = AVAIL_RPDGSTABSTATE ]; }
wait_for "table loaded" loaded

echo "== KILL QUERY"
sql "$forced $endless" >"$SIROCCO_HOME/killed" &
client=$!
wait_for "query runs" running
id=$(sql "SELECT PROCESSLIST_ID FROM performance_schema.threads WHERE PROCESSLIST_INFO LIKE '%a.v * b.v%' AND PROCESSLIST_ID <> CONNECTION_ID() LIMIT 1")
sql "KILL QUERY $id"
wait "$client"
grep -q "ERROR 1317" "$SIROCCO_HOME/killed" || fail "killed query: $(cat "$SIROCCO_HOME/killed")"
wait_for "node is free after KILL" not_running

echo "== client goes away"
setsid "$sirocco" sql "$name" -N -e "$forced $endless" >/dev/null 2>&1 &
client=$!
wait_for "query runs" running
kill -9 -- "-$client"
wait "$client" 2>/dev/null
wait_for "node is free after its client has gone" not_running

echo "== kill -9 of the node during a query"
sql "SET SESSION use_secondary_engine = FORCED; SELECT COUNT(*), SUM(v) FROM d.t" >"$SIROCCO_HOME/before"
mysqld=$("$sirocco" status "$name" --json | sed -n 's/^ *"pid": \([0-9]*\).*/\1/p')
(
  # Another connection, over the whole time: one session, plain statements.
  for _ in $(seq 100); do echo "SELECT COUNT(*) FROM d.t WHERE id < 100;"; echo "DO SLEEP(0.03);"; done | "$sirocco" sql "$name" -N >"$SIROCCO_HOME/other" 2>&1
) &
other=$!
sql "$forced $endless" >"$SIROCCO_HOME/victim" &
client=$!
wait_for "query runs" running
node=$(status_of rapid_node_pid)
kill -9 "$node"
wait "$client"
grep -q "^ERROR" "$SIROCCO_HOME/victim" || fail "the victim's client saw no error: $(cat "$SIROCCO_HOME/victim")"
# With offload ON the statement is answered at any time.
[ "$(sql "SET SESSION secondary_engine_cost_threshold = 0; SELECT COUNT(*) FROM d.t")" = 20000 ] || fail "no answer while the node is away"
wait "$other"
[ "$(grep -c '^99$' "$SIROCCO_HOME/other")" -eq 100 ] || fail "the other connection noticed: $(sort "$SIROCCO_HOME/other" | uniq -c | head -5)"
wait_for "node is back" online
wait_for "table is back" loaded
[ "$(status_of rapid_node_pid)" != "$node" ] || fail "the node's process id did not change"
sql "SET SESSION use_secondary_engine = FORCED; SELECT COUNT(*), SUM(v) FROM d.t" >"$SIROCCO_HOME/after"
cmp -s "$SIROCCO_HOME/before" "$SIROCCO_HOME/after" || fail "after the restart: $(cat "$SIROCCO_HOME/after")"
[ -z "$mysqld" ] || [ -d "/proc/$mysqld" ] || fail "mysqld has gone"
[ "$(status_of rapid_node_restarts)" -ge 1 ] || fail "rapid_node_restarts was not counted"

echo "== restart of the server: tables come back"
"$sirocco" restart "$name" >/dev/null 2>&1 || fail "restart"
wait_for "node is back" online
wait_for "table is back" loaded
sql "SET SESSION use_secondary_engine = FORCED; SELECT COUNT(*), SUM(v) FROM d.t" >"$SIROCCO_HOME/after"
cmp -s "$SIROCCO_HOME/before" "$SIROCCO_HOME/after" || fail "after the server's restart: $(cat "$SIROCCO_HOME/after")"

if [ $failures -ne 0 ]; then
  tail -n 20 "$SIROCCO_HOME/systems/$name"/logs/*.log
fi
echo "$failures failed"
[ $failures -eq 0 ]
