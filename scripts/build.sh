# Configure and build with CMake and Ninja.
# Input: MYSQL_BASEDIR_OPTION and MYSQL_SOURCE_OPTION, empty unless the user named an existing MySQL.
configure_and_build() {
  local stamp wanted jobs
  wanted=$(lock_hash)
  stamp=$SIROCCO_BUILD/.sirocco-prefix
  # Other dependencies mean other headers and another server: nothing compiled before may stay.
  if [ -e "$stamp" ] && [ "$(cat "$stamp")" != "$wanted" ]; then
    say "the dependencies have changed: building anew"
    rm -rf "$SIROCCO_BUILD"
  fi
  local source=${MYSQL_SOURCE_OPTION:-$MYSQL_SOURCE}
  # Configuring again costs seconds; Ninja does it by itself when a CMake file has changed.
  local settings="$PREFIX|$source|${MYSQL_BASEDIR_OPTION:-}"
  if [ ! -e "$SIROCCO_BUILD/build.ninja" ] || [ "$(cat "$SIROCCO_BUILD/.sirocco-settings" 2>/dev/null)" != "$settings" ]; then
    mkdir -p "$SIROCCO_BUILD"
    rm -f "$SIROCCO_BUILD/CMakeCache.txt"
    say "configuring $SIROCCO_BUILD"
    cmake -S "$SIROCCO_ROOT" -B "$SIROCCO_BUILD" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_TOOLCHAIN_FILE="$SIROCCO_ROOT/cmake/toolchain.cmake" -DSIROCCO_PREFIX="$PREFIX" \
      -DSIROCCO_MYSQL_SOURCE="$source" -DSIROCCO_MYSQL_BASEDIR="${MYSQL_BASEDIR_OPTION:-}" \
      >"$SIROCCO_BUILD/configure.log" 2>&1 || {
      tail -n 30 "$SIROCCO_BUILD/configure.log" >&2
      die "configuring failed" "Log: $SIROCCO_BUILD/configure.log"
    }
    echo "$wanted" >"$stamp"
    echo "$settings" >"$SIROCCO_BUILD/.sirocco-settings"
    printf '%s\n%s\n' "${MYSQL_BASEDIR_OPTION:-}" "${MYSQL_SOURCE_OPTION:-}" >"$SIROCCO_BUILD/.sirocco-mysql"
  fi
  jobs=$(build_jobs)
  say "building with $jobs jobs"
  # Ninja rewrites one line on a terminal and prints a line a step otherwise: its progress is ours.
  cmake --build "$SIROCCO_BUILD" -j "$jobs" || die "the build failed"
}
