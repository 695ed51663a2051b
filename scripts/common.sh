# Shared by all scripts: messages, places, retries, locks. Sourced by ./sirocco; sets no state but variables.
#
# Places (all may be set in the environment):
#   SIROCCO_CACHE         downloads, private prefix, MySQL's source   (default ~/.cache/sirocco)
#   SIROCCO_BUILD         build folder                                (default <repository>/build)
#   SIROCCO_MIRROR        address of the Debian archive               (default: from the machine's own apt sources)
#   SIROCCO_JOBS          parallel compiler jobs                      (default: cores, limited by memory)

: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME
SIROCCO_CACHE=${SIROCCO_CACHE:-$HOME/.cache/sirocco}
case $SIROCCO_CACHE in /*) ;; *) SIROCCO_CACHE=$PWD/$SIROCCO_CACHE ;; esac
SIROCCO_BUILD=${SIROCCO_BUILD:-$SIROCCO_ROOT/build}
case $SIROCCO_BUILD in /*) ;; *) SIROCCO_BUILD=$PWD/$SIROCCO_BUILD ;; esac
export SIROCCO_CACHE
PREFIX=$SIROCCO_CACHE/prefix
MULTIARCH=x86_64-linux-gnu

say() { printf 'sirocco: %s\n' "$*" >&2; }
die() {
  printf 'sirocco: error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

# retry TIMES COMMAND...: runs the command until it succeeds, waiting 2, 4, 8, ... seconds between attempts.
retry() {
  local times=$1 attempt=1 pause=2
  shift
  until "$@"; do
    [ "$attempt" -lt "$times" ] || return 1
    say "attempt $attempt of $times failed; again in $pause s"
    sleep "$pause"
    attempt=$((attempt + 1))
    pause=$((pause * 2))
  done
}

# with_lock FILE COMMAND...: one run at a time per FILE; a second one waits and says so.
with_lock() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  exec 9>"$file"
  if ! flock -n 9; then
    say "waiting for another run to finish ($file)"
    flock 9
  fi
  "$@"
  exec 9>&-
}

# version_at_least HAVE WANT
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Cores this process may use, but no more than one job for 1.5 GB of memory: C++ files of the engine need that much.
build_jobs() {
  if [ -n "${SIROCCO_JOBS:-}" ]; then
    echo "$SIROCCO_JOBS"
    return
  fi
  local cores memory_kb jobs
  cores=$(nproc)
  memory_kb=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
  jobs=$((memory_kb / 1500000))
  [ "$jobs" -ge 1 ] || jobs=1
  [ "$jobs" -le "$cores" ] || jobs=$cores
  echo "$jobs"
}

# Runs a program of the prefix with the prefix's own loader and libraries.
in_prefix() {
  local root=$1
  shift
  "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$root/usr/lib/$MULTIARCH" "$@"
}
