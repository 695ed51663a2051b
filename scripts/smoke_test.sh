# Does a freshly unpacked prefix work? Server, client and peer start; small programs compile, link and run against it.

# smoke_test_prefix ROOT
smoke_test_prefix() {
  local root=$1 lib=$1/usr/lib/$MULTIARCH work program sources=$SIROCCO_ROOT/scripts/smoke libraries
  work=$(mktemp -d)
  in_prefix "$root" "$root/usr/sbin/mysqld" --no-defaults --version >"$work/log" 2>&1 || smoke_failed mysqld "$work/log"
  in_prefix "$root" "$root/usr/bin/mysql" --no-defaults --version >"$work/log" 2>&1 || smoke_failed mysql "$work/log"
  in_prefix "$root" "$root/usr/bin/duckdb" --version >"$work/log" 2>&1 || smoke_failed duckdb "$work/log"
  while read -r program libraries; do
    # shellcheck disable=SC2086  # one word per library
    g++ -std=c++23 --sysroot="$root" -B"$lib" "$sources/$program.cc" -o "$work/$program" -L"$lib" $libraries \
      -Wl,-rpath,"$lib" -Wl,--disable-new-dtags \
      -Wl,--dynamic-linker="$root/usr/lib64/ld-linux-x86-64.so.2" >"$work/log" 2>&1 || smoke_failed "$program" "$work/log"
    "$work/$program" >"$work/log" 2>&1 || smoke_failed "$program" "$work/log"
  done <<'PROGRAMS'
common_libraries -lfmt -lzstd -llz4 -lxxhash -lcurl -lcrypto -lmysqlclient
parquet -lparquet -larrow
learning -lxgboost -lopenblas
simd -lhwy
PROGRAMS
  rm -rf "$work"
}

smoke_failed() {
  cat "$2" >&2
  die "the dependencies do not work on this machine: $1 failed"
}
