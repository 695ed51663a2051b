#!/usr/bin/env bash
# DB systems from a user's point of view: two side by side, and what can go wrong with them.
# Usage: systems_test.sh PATH_OF_SIROCCO
set -uo pipefail
sirocco=$1
export SIROCCO_HOME
SIROCCO_HOME=$(mktemp -d)
output=$SIROCCO_HOME/output
failures=0
listener=

cleanup() {
  local pid_file
  [ -z "$listener" ] || kill "$listener" 2>/dev/null
  for pid_file in "$SIROCCO_HOME"/systems/*/run/mysqld.pid; do
    [ -e "$pid_file" ] && kill -9 "$(cat "$pid_file")" 2>/dev/null
  done
  sleep 0.2
  rm -rf "$SIROCCO_HOME"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*"
  sed 's/^/    /' "$output"
  failures=$((failures + 1))
}

# expect CODE [TEXT] -- ARGUMENTS...: runs sirocco; checks its exit code, and that TEXT is part of what it prints.
expect() {
  local code=$1 text='' actual
  shift
  if [ "$1" != -- ]; then text=$1 && shift; fi
  shift
  "$sirocco" "$@" >"$output" 2>&1 </dev/null
  actual=$?
  [ "$actual" -eq "$code" ] || fail "sirocco $*: exit code $actual, not $code"
  [ -z "$text" ] || grep -qF -- "$text" "$output" || fail "sirocco $*: does not say '$text'"
}

pid_of() { cat "$SIROCCO_HOME/systems/$1/run/mysqld.pid"; }
json_of() { "$sirocco" status "$1" --json | sed -n "s/^ *\"$2\": \"\\{0,1\\}\\([^\",]*\\)\"\\{0,1\\},\\{0,1\\}\$/\\1/p"; }

echo "== nothing there yet"
expect 0 "no DB systems yet" -- list
expect 4 "no system 'main'" -- status
expect 4 -- status nosuch --json
expect 4 -- down nosuch
expect 4 -- restart nosuch
expect 4 -- logs nosuch
expect 4 -- sql nosuch -e "SELECT 1"
expect 4 -- destroy nosuch --yes
[ ! -e "$SIROCCO_HOME/systems/nosuch" ] || fail "a failing command made a folder"

echo "== wrong usage"
expect 2 "1 to 32 letters" -- up "../up"
expect 2 -- up "a b"
expect 2 -- up "$(printf 'x%.0s' {1..33})"
expect 2 -- up main --port 0
expect 2 -- up main --port 70000
expect 2 -- up main --port abc
expect 2 "256M" -- up main --memory 1M
expect 2 "not a size" -- up main --memory lots
expect 2 -- up main --nonsense
expect 2 "no command 'frobnicate'" -- frobnicate
expect 2 -- status a b c
expect 2 --
expect 0 "Exit codes" -- --help
expect 0 "--port" -- up --help
[ ! -e "$SIROCCO_HOME/systems/main/my.cnf" ] || fail "a wrong call made a system"

echo "== two at once on one new system, and another one beside it"
"$sirocco" up one --memory 512M --no-time-zones >"$SIROCCO_HOME/first" 2>&1 </dev/null &
first=$!
"$sirocco" up one --memory 512M --no-time-zones >"$SIROCCO_HOME/second" 2>&1 </dev/null &
second=$!
expect 0 "two is up" -- up two --memory 512M
wait "$first" || { cat "$SIROCCO_HOME/first" && fail "first up of one"; }
wait "$second" || { cat "$SIROCCO_HOME/second" && fail "second up of one"; }
[ "$(grep -l initialising "$SIROCCO_HOME/first" "$SIROCCO_HOME/second" | wc -l)" -eq 1 ] || fail "not initialised exactly once"
expect 0 "two" -- list
[ "$(grep -c ' up ' "$output")" -eq 2 ] || fail "list does not show two systems up"
port_one=$(json_of one port)
port_two=$(json_of two port)
if [ -z "$port_one" ] || [ "$port_one" = "$port_two" ]; then fail "ports: '$port_one' and '$port_two'"; fi
[ "$(json_of one up)" = true ] || fail "status --json: up is not true"

echo "== files are private, the password is nowhere else"
[ "$(stat -c %a "$SIROCCO_HOME/systems/one")" = 700 ] || fail "mode of the folder"
[ "$(stat -c %a "$SIROCCO_HOME/systems/one/client.cnf")" = 600 ] || fail "mode of client.cnf"
[ ! -e "$SIROCCO_HOME/systems/one/run/set_password.sql" ] || fail "the password statement was left behind"
password=$(sed -n 's/^password = //p' "$SIROCCO_HOME/systems/one/client.cnf")
[ ${#password} -ge 20 ] || fail "password is short"
if grep -rqF "$password" "$SIROCCO_HOME/systems/one/logs" "$SIROCCO_HOME/systems/one/data"; then fail "password in logs or data"; fi
if tr '\0' ' ' <"/proc/$(pid_of one)/cmdline" | grep -qF "$password"; then fail "password on a command line"; fi
[ "$password" != "$(sed -n 's/^password = //p' "$SIROCCO_HOME/systems/two/client.cnf")" ] || fail "same password twice"
[ "$(cat "/proc/$(pid_of one)/comm")" = mysqld ] || fail "the process is not named mysqld"

echo "== clients"
expect 0 "root@localhost" -- sql one -N -e "SELECT CURRENT_USER()"
expect 0 "ON	ON	1	1	ROW" -- sql one -N -e "SELECT @@gtid_mode, @@enforce_gtid_consistency, @@sync_binlog, @@innodb_flush_log_at_trx_commit, @@binlog_format"
expect 0 "127.0.0.1" -- sql one -N -e "SELECT @@bind_address"
[ ! -e /usr/share/zoneinfo/UTC ] || expect 0 "2026-07-01 14:00:00" -- sql two -N -e "SELECT CONVERT_TZ('2026-07-01 12:00:00', 'UTC', 'Europe/Berlin')"
expect 0 "0" -- sql two -N -e "SELECT LENGTH(@@gtid_executed)"
expect 4 "no system 'main'" -- sql -e "SELECT 1"
expect 1 -- sql one -e "SELECT no_such_column"
expect 0 "Ver 9.7" -- sql one --version
# Options after -- and with = reach the client unchanged.
expect 0 "it is me" -- sql one --batch --skip-column-names --execute="SELECT 'it is me'"
[ "$(printf 'CREATE DATABASE d; USE d; CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1), (2);\nSELECT COUNT(*) FROM t;\n' |
  "$sirocco" sql one -N)" = 2 ] || fail "statements from standard input"
# A ~/.my.cnf of the user must not lead elsewhere.
mkdir "$SIROCCO_HOME/user"
printf '[client]\nuser=nobody\npassword=wrong\nsocket=/nowhere\n' >"$SIROCCO_HOME/user/.my.cnf"
[ "$(HOME=$SIROCCO_HOME/user "$sirocco" sql one -N -e 'SELECT 7')" = 7 ] || fail "the user's .my.cnf was followed"

echo "== up again, ports"
expect 0 "one is up" -- up one
expect 1 "is up on port" -- up one --port "$((port_one + 500))"
expect 1 "another system has port" -- up three --port "$port_one"
[ ! -e "$SIROCCO_HOME/systems/three" ] || fail "a refused port left a folder"
expect 1 "is up" -- destroy two --yes
expect 0 "two is down" -- down two
expect 0 "already" -- down two
expect 3 "down" -- status two
expect 3 "is not up" -- sql two -e "SELECT 1"
perl -MIO::Socket::INET -e 'my $socket = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1) or die; $| = 1; print "ready\n"; sleep 60' \
  "$port_two" >"$SIROCCO_HOME/listener" &
listener=$!
for _ in $(seq 50); do if [ -s "$SIROCCO_HOME/listener" ]; then break; else sleep 0.1; fi; done
expect 1 "another program uses port $port_two" -- up two
kill "$listener" && wait "$listener" 2>/dev/null
listener=

echo "== mysqld does not start"
echo "no_such_setting = 1" >>"$SIROCCO_HOME/systems/two/my.cnf"
expect 1 "no_such_setting" -- up two
expect 3 "down" -- status two
sed -i '/no_such_setting/d' "$SIROCCO_HOME/systems/two/my.cnf"

echo "== killed server, stale pid files"
kill -9 "$(pid_of one)"
for _ in $(seq 50); do if [ -d "/proc/$(pid_of one)" ]; then sleep 0.1; else break; fi; done
expect 3 "crashed" -- status one
expect 3 -- sql one -e "SELECT 1"
expect 0 "one is up" -- up one
expect 0 "2" -- sql one -N -e "SELECT COUNT(*) FROM d.t"
echo $$ >"$SIROCCO_HOME/systems/two/run/mysqld.pid" # a number that another process has by now
expect 3 "crashed" -- status two
expect 0 "down already" -- down two
echo "no number" >"$SIROCCO_HOME/systems/two/run/mysqld.pid"
expect 0 "two is up" -- up two
rm "$SIROCCO_HOME/systems/two/run/mysqld.pid"
expect 0 "up" -- status two

echo "== missing or wrong password file"
mv "$SIROCCO_HOME/systems/one/client.cnf" "$SIROCCO_HOME/saved"
expect 0 "client.cnf" -- status one
expect 1 "--reset-password" -- sql one -e "SELECT 1"
expect 1 "is up" -- up one --reset-password
expect 0 -- restart one
expect 0 -- down one
expect 0 "one is up: MySQL 9.7" -- up one --reset-password
expect 0 "2" -- sql one -N -e "SELECT COUNT(*) FROM d.t"
[ "$(sed -n 's/^password = //p' "$SIROCCO_HOME/systems/one/client.cnf")" != "$password" ] || fail "password was not changed"

echo "== logs, restart on another port, destroy"
expect 0 "ready for connections" -- logs one
expect 0 -- logs one -n 1
[ "$(wc -l <"$output")" -eq 1 ] || fail "logs -n 1"
expect 0 "127.0.0.1:$((port_one + 500))" -- restart one --port "$((port_one + 500))"
expect 0 "2" -- sql one -N -e "SELECT COUNT(*) FROM d.t"
expect 1 "is up" -- destroy one
expect 0 "two is down" -- down two
expect 2 "--yes" -- destroy two
expect 0 "one is removed" -- destroy one --yes --force
expect 4 -- status one
expect 0 "two is removed" -- destroy two -y
[ -z "$(ls "$SIROCCO_HOME/systems")" ] || fail "something is left: $(ls "$SIROCCO_HOME/systems")"

echo "== paths too long for a socket, with a blank"
SIROCCO_HOME=$SIROCCO_HOME/$(printf 'deep %.0s' {1..20})folder
expect 0 "long is up" -- up long --memory 512M --no-time-zones
expect 0 "1" -- sql long -N -e "SELECT 1"
runtime=$(dirname "$(json_of long socket)")
[ "$(stat -c %a "$runtime")" = 700 ] || fail "mode of $runtime"
expect 0 -- destroy long --yes --force
[ ! -e "$runtime" ] || fail "$runtime is left"
SIROCCO_HOME=${SIROCCO_HOME%/*}

if [ "$failures" -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
echo "all passed"
