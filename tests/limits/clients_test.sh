#!/usr/bin/env bash
# CLIENTS clients run the 22 TPC-H queries at once, each in an order of its own, for SECONDS: every answer must be the one a single
# client got, and the node's memory must be the same at the end as after the first round.
# Usage: clients_test.sh PATH_OF_SIROCCO QUERY_FOLDER [--seconds N] [--clients N] [--sf S]
set -uo pipefail
sirocco=$1
queries=$2
shift 2
seconds=600 clients=8 scale=0.1
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2 && shift 2 ;;
    --clients) clients=$2 && shift 2 ;;
    --sf) scale=$2 && shift 2 ;;
    *) echo "clients_test.sh: what is $1?" >&2 && exit 2 ;;
  esac
done
# shellcheck source=/dev/null
. "$(dirname "$0")/system.sh"
start_system 2G
load_tpch "$scale"

# Rows whose order the query leaves open may come in any: answers are compared sorted. Forced: nothing runs in InnoDB.
run_query() { # NUMBER
  { echo "USE tpch; SET SESSION use_secondary_engine = FORCED;" && cat "$queries/q$1.sql"; } |
    "$sirocco" sql "$name" -N -B 2>&1 | LC_ALL=C sort
}
numbers=()
for file in "$queries"/q*.sql; do
  number=$(basename "$file" .sql)
  numbers+=("${number#q}")
done
mkdir "$SIROCCO_HOME/answers"
for number in "${numbers[@]}"; do run_query "$number" >"$SIROCCO_HOME/answers/$number"; done
if grep -l ERROR "$SIROCCO_HOME"/answers/*; then fail "queries of a single client"; fi
first_bytes=$(node_bytes)
rss() { awk '/^VmRSS/ {print $2 * 1024}' "/proc/$(node_pid)/status" 2>/dev/null || echo 0; }

end=$((SECONDS + seconds))
client() { # NUMBER
  local runs=0 order number
  while [ $SECONDS -lt $end ]; do
    mapfile -t order < <(printf '%s\n' "${numbers[@]}" | shuf --random-source=<(yes "$1-$runs"))
    for number in "${order[@]}"; do
      [ $SECONDS -lt $end ] || break
      if ! run_query "$number" | cmp -s - "$SIROCCO_HOME/answers/$number"; then
        echo "client $1: query $number, run $runs" >>"$SIROCCO_HOME/wrong"
        run_query "$number" | head -n 3 >>"$SIROCCO_HOME/wrong"
      fi
      echo >>"$SIROCCO_HOME/runs.$1"
    done
    runs=$((runs + 1))
  done
}
pids=()
for ((c = 0; c < clients; ++c)); do
  client "$c" &
  pids+=($!)
done
sleep $((seconds / 4 < 30 ? seconds / 4 : 30))
early_rss=$(rss)
highest=0
while [ $SECONDS -lt $end ]; do
  now=$(rss)
  [ "$now" -le "$highest" ] || highest=$now
  sleep 1
done
wait "${pids[@]}"
last_bytes=$(node_bytes)
late_rss=$(rss)
total=$(cat "$SIROCCO_HOME"/runs.* | wc -l)
echo "$clients clients, $seconds s: $total queries; charged memory $((first_bytes >> 20)) -> $((last_bytes >> 20)) MB;" \
  "resident $((early_rss >> 20)) MB early, $((highest >> 20)) MB at most, $((late_rss >> 20)) MB at the end"
[ "$total" -gt 0 ] || fail "no query ran"
[ ! -e "$SIROCCO_HOME/wrong" ] || fail "answers differ: $(head -n 20 "$SIROCCO_HOME/wrong")"
[ "$first_bytes" = "$last_bytes" ] || fail "memory is still charged"
# Allocators keep some pages; a leak of the queries would be many times this.
[ $late_rss -lt $((early_rss + (200 << 20))) ] || fail "resident memory grows"
finish
