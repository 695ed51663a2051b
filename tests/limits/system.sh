# For the scripts of this folder: a DB system of their own with TPC-H data. Source it after setting `sirocco`.
# Sets: folder, failures; functions: fail, sql, start_system, load_tpch, node_bytes, finish.
SIROCCO_HOME=$(mktemp -d /tmp/limits.XXXXXX)
export SIROCCO_HOME
name=limits
folder=$SIROCCO_HOME/systems/$name
failures=0

cleanup() {
  "$sirocco" destroy "$name" --yes --force >/dev/null 2>&1
  if [ -e "$folder/run/mysqld.pid" ]; then kill -9 "$(cat "$folder/run/mysqld.pid")" 2>/dev/null; fi
  rm -rf "$SIROCCO_HOME"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
sql() { "$sirocco" sql "$name" -N -B -e "$1" 2>&1; }

# start_system MEMORY: not one of the ports that systems take by themselves.
start_system() {
  "$sirocco" up "$name" --port $((20000 + RANDOM % 12000)) --memory "$1" --no-time-zones >"$SIROCCO_HOME/up.log" 2>&1 || {
    cat "$SIROCCO_HOME/up.log"
    echo "FAILED: the system does not start"
    exit 3
  }
}
load_tpch() {
  "$sirocco" tpch load --system "$name" --sf "$1" >"$SIROCCO_HOME/load.log" 2>&1 || {
    cat "$SIROCCO_HOME/load.log"
    echo "FAILED: TPC-H data cannot be loaded"
    exit 3
  }
}
node_pid() { pgrep -f "rapidd .*$folder" | head -n 1; }
# Bytes of memory that the node's tables and running queries are charged for.
node_bytes() { sql "SELECT MAX(MEMORY_USAGE) FROM performance_schema.rpd_nodes"; }
finish() {
  if [ $failures -ne 0 ]; then
    echo "--- end of the node's log"
    tail -n 20 "$folder"/logs/rapidd.log 2>/dev/null
    exit 1
  fi
  exit 0
}
