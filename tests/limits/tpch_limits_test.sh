#!/usr/bin/env bash
# The 22 TPC-H queries within little memory: a node limit of NODE_MB above the loaded data and QUERY_MB per query. All answers must
# be those of the same queries without limits, and none may be left to InnoDB.
# Usage: tpch_limits_test.sh PATH_OF_SIROCCO [--sf S] [--node-mb N] [--query-mb N] [--runs N] [--json-folder DIR]
set -uo pipefail
sirocco=$1
shift
scale=1 node_mb=300 query_mb=64 runs=1 json_folder=
while [ $# -gt 0 ]; do
  case $1 in
    --sf) scale=$2 && shift 2 ;;
    --node-mb) node_mb=$2 && shift 2 ;;
    --query-mb) query_mb=$2 && shift 2 ;;
    --runs) runs=$2 && shift 2 ;;
    --json-folder) json_folder=$2 && shift 2 ;;
    *) echo "tpch_limits_test.sh: what is $1?" >&2 && exit 2 ;;
  esac
done
# shellcheck source=/dev/null
. "$(dirname "$0")/system.sh"
json_folder=${json_folder:-$SIROCCO_HOME}
threshold=()
case $scale in 0*) threshold=(--cost-threshold 0) ;; esac

start_system 3G
load_tpch "$scale"

bench() { # NAME
  "$sirocco" bench tpch --system "$name" --sf "$scale" --runs "$runs" ${threshold[@]+"${threshold[@]}"} \
    --json "$json_folder/$1.json" >"$SIROCCO_HOME/$1.log" 2>&1 || {
    cat "$SIROCCO_HOME/$1.log"
    fail "TPC-H queries, $1"
  }
}
echo "== without limits"
bench tpch-unlimited
data=$(node_bytes)
echo "== data: $((data >> 20)) MB; node limit $(((data >> 20) + node_mb)) MB, $query_mb MB a query"
node_limit=$((data + (node_mb << 20)))
printf '\n[mysqld]\nloose_rapid_node_memory_limit = %s\nloose_rapid_query_memory_limit = %s\n' "$node_limit" $((query_mb << 20)) \
  >>"$folder/my.cnf"
"$sirocco" down "$name" >"$SIROCCO_HOME/down.log" 2>&1 && "$sirocco" up "$name" >>"$SIROCCO_HOME/down.log" 2>&1 || {
  cat "$SIROCCO_HOME/down.log"
  fail "restart"
}
for ((i = 0; i < 1200; ++i)); do
  [ "$(sql "SELECT COUNT(*) FROM performance_schema.rpd_tables WHERE LOAD_STATUS = 'AVAIL_RPDGSTABSTATE'")" = 8 ] && break
  sleep 0.5
done
[ "$(sql "SELECT @@rapid_node_memory_limit, @@rapid_query_memory_limit")" = "$node_limit	$((query_mb << 20))" ] || fail "the limits are not in force"
bench tpch-limited
printf '%8s %12s %12s\n' query unlimited limited
python3 - "$json_folder/tpch-unlimited.json" "$json_folder/tpch-limited.json" <<'P' || true
import json, sys
def times(name):
    report = json.load(open(name))
    return {q["query"]: q["median_ms"] for q in report["queries"]}
a, b = times(sys.argv[1]), times(sys.argv[2])
for q in a: print(f"{q:>8} {a[q]:>12.1f} {b[q]:>12.1f}")
P
finish
