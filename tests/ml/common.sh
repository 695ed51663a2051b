# For the test programs: sql TEXT [CLIENT OPTIONS], expect TEXT ACTUAL, and the end of the program.
failures=0
sql() {
  local text=$1
  shift
  "$SQL" -N "$@" -e "$text" 2>&1 | grep -v 'Using a password on the command line'
}
# expect NAME PATTERN ACTUAL: the text must contain the pattern (a fixed string; empty: no output).
expect() {
  if [ -z "$2" ]; then
    [ -z "$3" ] && return
  elif printf '%s' "$3" | grep -qF -- "$2"; then
    return
  fi
  echo "FAILED: $1: expected '$2', got: $3"
  failures=$((failures + 1))
}
# wait_for NAME STATEMENT PATTERN: up to 30 s.
wait_for() {
  local actual
  for _ in $(seq 300); do
    actual=$(sql "$2")
    printf '%s' "$actual" | grep -q -- "$3" && return 0
    sleep 0.1
  done
  echo "FAILED: $1: '$3' did not appear, last: $actual"
  failures=$((failures + 1))
  return 1
}
finish() {
  wait
  [ "$failures" -eq 0 ] && exit 0
  echo "$failures checks failed"
  exit 1
}
