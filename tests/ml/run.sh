#!/usr/bin/env bash
# Starts a DB system of its own, runs the machine-learning tests against it, and removes it again.
# Usage: run.sh [--sirocco PROGRAM] [--accept] [TEST ...]
# A test is NAME.sql with what the client prints in NAME.out, or a program NAME.sh that exits with 0. --accept
# writes the .out files anew. Tests see $SIROCCO, $SYSTEM and the function-like program $SQL ([client options]).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${SIROCCO_BUILD:-$here/../../build}
sirocco=$build/src/cli/sirocco
accept=0
tests=()
while [ $# -gt 0 ]; do
  case $1 in
    --sirocco) sirocco=$2 && shift 2 ;;
    --accept) accept=1 && shift ;;
    *) tests+=("$1") && shift ;;
  esac
done
if [ ${#tests[@]} -eq 0 ]; then
  for file in "$here"/[0-9]*.sql "$here"/[0-9]*.sh; do
    tests+=("$(basename "${file%.*}")")
  done
fi

export SIROCCO_HOME
SIROCCO_HOME=$(mktemp -d /tmp/mltest.XXXXXX)
name=mltest
folder=$SIROCCO_HOME/systems/$name

cleanup() {
  "$sirocco" destroy "$name" --yes --force >/dev/null 2>&1
  if [ -e "$folder/run/mysqld.pid" ]; then kill -9 "$(cat "$folder/run/mysqld.pid")" 2>/dev/null; fi
  rm -rf "$SIROCCO_HOME"
}
trap cleanup EXIT

port=$((20000 + RANDOM % 12000))
if ! "$sirocco" up "$name" --port "$port" >"$SIROCCO_HOME/up.log" 2>&1; then
  cat "$SIROCCO_HOME/up.log"
  echo "FAILED: the system does not start"
  exit 3
fi
export SIROCCO=$sirocco SYSTEM=$name HERE=$here
export SQL=$SIROCCO_HOME/sql
cat >"$SQL" <<EOF
#!/bin/sh
exec "$sirocco" sql "$name" --unbuffered "\$@"
EOF
chmod +x "$SQL"

# The plugin installs the routines just after the server has begun to take connections.
for _ in $(seq 300); do
  [ "$("$SQL" -N -e "SHOW STATUS LIKE 'rapid_ml_status'" | cut -f2)" = ON ] && break
  sleep 0.1
done
"$SQL" <"$here/data/iris.sql" || exit 3

failures=0
for test in "${tests[@]}"; do
  start=$SECONDS
  output=$SIROCCO_HOME/output
  if [ -e "$here/$test.sql" ]; then
    "$SQL" --force <"$here/$test.sql" >"$output" 2>&1
    if [ $accept -eq 1 ]; then cp "$output" "$here/$test.out"; fi
    diff -u "$here/$test.out" "$output" && verdict=ok || verdict=FAILED
  else
    bash "$here/$test.sh" >"$output" 2>&1 && verdict=ok || verdict=FAILED
    [ $verdict = ok ] || cat "$output"
  fi
  [ $verdict = ok ] || failures=$((failures + 1))
  echo "$verdict $test ($((SECONDS - start)) s)"
done
if [ $failures -ne 0 ]; then
  echo "--- end of the server's log"
  tail -n 30 "$folder"/logs/mysqld.log 2>/dev/null
  echo "--- end of the node's log"
  tail -n 30 "$folder"/logs/rapidd.log 2>/dev/null
fi
echo "$failures of ${#tests[@]} tests failed"
[ $failures -eq 0 ]
