# The engine's unit tests under sanitizers, in build folders of their own beside the main one.
# Input: PREFIX, MYSQL_SOURCE and the functions of common.sh and build.sh. SIROCCO_SANITIZE_LAUNCHER: a compiler cache, if any.

# Folders of src/ that have no MySQL server and no plugin in them.
SANITIZED_FOLDERS='common;mysqlsem;plan;wire;engine;lakehouse'

# run_sanitized address|undefined|thread|all [ARGUMENTS OF CTEST...]
run_sanitized() {
  local kind=$1 flags folder
  shift
  case $kind in
    all)
      run_sanitized address "$@" && run_sanitized thread "$@"
      return ;;
    # One build checks both: they do not disturb each other.
    address | undefined) flags=address,undefined folder=$SIROCCO_BUILD-asan ;;
    thread) flags=thread folder=$SIROCCO_BUILD-tsan ;;
    *) usage_error "--sanitize takes address, undefined, thread or all: $kind" ;;
  esac
  mkdir -p "$folder"
  say "configuring $folder ($flags)"
  cmake -S "$SIROCCO_ROOT" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DSIROCCO_SANITIZE="$flags" \
    -DCMAKE_TOOLCHAIN_FILE="$SIROCCO_ROOT/cmake/toolchain.cmake" -DSIROCCO_PREFIX="$PREFIX" \
    -DSIROCCO_MYSQL_SOURCE="${MYSQL_SOURCE_OPTION:-$MYSQL_SOURCE}" -DSIROCCO_FOLDERS="$SANITIZED_FOLDERS" \
    ${SIROCCO_SANITIZE_LAUNCHER:+-DCMAKE_CXX_COMPILER_LAUNCHER="$SIROCCO_SANITIZE_LAUNCHER"} >"$folder/configure.log" 2>&1 || {
    tail -n 30 "$folder/configure.log" >&2
    die "configuring with sanitizers failed" "Log: $folder/configure.log"
  }
  cmake --build "$folder" -j "$(build_jobs)" || die "the build with sanitizers failed"
  # The first finding ends a test. Leaks are looked for at exit; pools have checked their own before.
  export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
  (cd "$folder" && ctest --output-on-failure --no-tests=error -j "$(nproc)" -L fast --timeout 3000 "$@")
}
