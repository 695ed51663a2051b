#!/usr/bin/env bash
# Starts a DB system of its own, runs the SQL tests against it, and removes it again.
# Usage: run.sh [--sirocco PROGRAM] [--runner PROGRAM] [--no-paths] [ARGUMENTS OF THE RUNNER...]
# Without paths among the arguments: all files of this folder, but with --no-paths. Exit code: that of the runner; 3: no system.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${SIROCCO_BUILD:-$here/../../build}
sirocco=$build/src/cli/sirocco
runner=$build/tests/sql/runner/sirocco-sqltest
arguments=()
paths=0
while [ $# -gt 0 ]; do
  case $1 in
    --sirocco) sirocco=$2 && shift 2 ;;
    --runner) runner=$2 && shift 2 ;;
    --no-paths) paths=1 && shift ;; # the runner of random statements reads no files
    --timeout | --filter | --statements | --seed) arguments+=("$1" "$2") && shift 2 ;;
    -*) arguments+=("$1") && shift ;;
    *) arguments+=("$1") && paths=1 && shift ;;
  esac
done
[ $paths -eq 1 ] || arguments+=("$here")

export SIROCCO_HOME
SIROCCO_HOME=$(mktemp -d /tmp/sqltest.XXXXXX)
name=sqltest
folder=$SIROCCO_HOME/systems/$name

cleanup() {
  "$sirocco" destroy "$name" --yes --force >/dev/null 2>&1
  # A system that cannot be stopped by its own means is ended by its process id.
  if [ -e "$folder/run/mysqld.pid" ]; then kill -9 "$(cat "$folder/run/mysqld.pid")" 2>/dev/null; fi
  rm -rf "$SIROCCO_HOME"
}
trap cleanup EXIT

# Not one of the ports that systems take by themselves: another test may be about to take its own again.
port=$((20000 + RANDOM % 12000))
if ! "$sirocco" up "$name" --port "$port" >"$SIROCCO_HOME/up.log" 2>&1; then
  cat "$SIROCCO_HOME/up.log"
  echo "FAILED: the system does not start"
  exit 3
fi
"$runner" --defaults-file "$folder/client.cnf" "${arguments[@]}"
code=$?
if [ $code -ne 0 ]; then
  echo "--- end of the server's log"
  tail -n 30 "$folder"/logs/mysqld.log 2>/dev/null
  echo "--- end of the node's log"
  tail -n 30 "$folder"/logs/rapidd.log 2>/dev/null
fi
exit $code
