#!/usr/bin/env bash
# The set-up scripts without network: where the archive's address comes from, that apt can never touch the host, the lock
# file, options. Usage: setup_test.sh PATH_OF_REPOSITORY
set -uo pipefail
SIROCCO_ROOT=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
# same WHAT EXPECTED ACTUAL
same() { [ "$2" = "$3" ] || fail "$1: '$3', not '$2'"; }

export SIROCCO_CACHE=$work/cache
unset SIROCCO_MIRROR SIROCCO_BUILD SIROCCO_JOBS
for part in common host_tools prefix mysql_source smoke_test build; do
  # shellcheck source=/dev/null
  . "$SIROCCO_ROOT/scripts/$part.sh"
done

echo "== address of the archive"
etc=$work/etc
mkdir -p "$etc/apt/sources.list.d"
echo 'VERSION_CODENAME=bookworm' >"$etc/os-release"
same "no sources" "" "$(archive_address "$etc" 2>/dev/null)"
printf 'deb https://third.example/apt cloud-bookworm main\n' >"$etc/apt/sources.list.d/a.list"
printf 'Types: deb\nURIs: https://node.example/x\nSuites: nodistro\nComponents: main\n' >"$etc/apt/sources.list.d/b.sources"
same "third-party sources only" "" "$(archive_address "$etc" 2>/dev/null)"
printf '# a comment\ndeb-src http://src.example/debian bookworm main\ndeb [arch=amd64 signed-by=/k] http://old.example/debian bookworm main\n' \
  >"$etc/apt/sources.list"
same "one line style" "http://old.example/debian" "$(archive_address "$etc")"
printf 'Types: deb\nURIs: http://security.example/s\nSuites: bookworm-security\n\nEnabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: bookworm\n\nTypes: deb deb-src\n# note\nURIs: http://new.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n' \
  >"$etc/apt/sources.list.d/debian.sources"
same "deb822 style" "http://new.example/debian" "$(archive_address "$etc")"
same "named by the user" "http://mine.example/d" "$(SIROCCO_MIRROR=http://mine.example/d archive_address "$etc")"

echo "== apt never unpacks anything on the host"
mkdir "$work/bin"
printf '#!/bin/sh\necho "$0 $*" >>"%s"\n' "$work/calls" | tee "$work/bin/apt-get" >"$work/bin/apt-cache"
chmod +x "$work/bin/apt-get" "$work/bin/apt-cache"
(
  PATH=$work/bin:$PATH
  private_apt update
  private_apt download one two
  private_apt simulate one
  private_apt show one
)
same "number of calls" 4 "$(wc -l <"$work/calls")"
same "calls without a false dpkg" 0 "$(grep -vc -- '-o Dir::Bin::dpkg=/bin/false' "$work/calls")"
same "calls without the private root" 0 "$(grep -vc -- "-o Dir=$SIROCCO_CACHE/apt" "$work/calls")"
same "installs that are neither simulated nor downloads" 0 \
  "$(grep -- ' install ' "$work/calls" | grep -v -e '--download-only' -e '-s install' | wc -l)"
(private_apt install one) >/dev/null 2>&1 && fail "private_apt knows a verb that installs"
same "apt calls outside private_apt and the host tools" "" \
  "$(grep -nE 'apt-get|apt-cache' "$SIROCCO_ROOT"/scripts/*.sh | grep -vE '/host_tools.sh|APT_CONFIG=|^[^:]*:[0-9]+: *#')"

echo "== lock file, verification"
mkdir -p "$ARCHIVES"
echo content >"$ARCHIVES/a_1_all.deb"
sha=$(sha256sum "$ARCHIVES/a_1_all.deb" | cut -d' ' -f1)
echo "a 1 $sha a_1_all.deb" >"$PREFIX_LOCK"
verify_packages "$PREFIX_LOCK" || fail "a good package is refused"
same "locked version" 1 "$(locked_version a)"
prefix_is_ready && fail "ready without a prefix"
mkdir -p "$PREFIX"
lock_hash >"$PREFIX/.sirocco-stamp"
prefix_is_ready || fail "not ready with the right stamp"
lock_fits && fail "a lock file without most packages fits"
echo changed >"$ARCHIVES/a_1_all.deb"
verify_packages "$PREFIX_LOCK" && fail "a changed package is accepted"
rm "$ARCHIVES/a_1_all.deb"
verify_packages "$PREFIX_LOCK" && fail "a missing package is accepted"
echo "a 2 $sha a_2_all.deb" >"$PREFIX_LOCK"
prefix_is_ready && fail "ready with the stamp of another lock file"

echo "== replacing a prefix"
mkdir -p "$PREFIX.new"
touch "$PREFIX.new/new"
replace_prefix 2>/dev/null
[ -e "$PREFIX/new" ] || fail "the new prefix is not there"
[ ! -e "$PREFIX.old" ] || fail "the old prefix is left"
mkdir -p "$PREFIX.new"
replace_prefix 2>/dev/null # prefix has no stamp now
[ -e "$(echo "$PREFIX".unknown-*/new)" ] || fail "a foreign prefix was not kept"

echo "== small things"
version_at_least 9.7.4-2 9.7 || fail "9.7.4-2 < 9.7"
version_at_least 9.6 9.7 && fail "9.6 >= 9.7"
version_at_least 12.2.0 12 || fail "12.2.0 < 12"
same "jobs" 3 "$(SIROCCO_JOBS=3 build_jobs)"
[ "$(build_jobs)" -ge 1 ] || fail "no jobs"
attempts=0
third_time() { attempts=$((attempts + 1)) && [ "$attempts" -ge 3 ]; }
sleep() { :; }
retry 5 third_time 2>/dev/null || fail "retry gave up"
same "attempts" 3 "$attempts"
attempts=-9
retry 2 third_time 2>/dev/null && fail "retry never gives up"
mkdir -p "$work/tree"
printf 'MYSQL_VERSION_MAJOR=9\nMYSQL_VERSION_MINOR=7\nMYSQL_VERSION_PATCH=4\nMYSQL_VERSION_EXTRA=\n' >"$work/tree/MYSQL_VERSION"
same "version of a source tree" 9.7.4 "$(source_tree_version "$work/tree")"

echo "== options of ./sirocco"
usage_of() {
  SIROCCO_BUILD=$work/nothing "$SIROCCO_ROOT/sirocco" "$@" >"$work/output" 2>&1
  echo $?
}
same "--help" 0 "$(usage_of --help)"
grep -q quickstart "$work/output" || fail "--help does not name quickstart"
same "setup with a wrong option" 2 "$(usage_of setup --nonsense)"
same "test with a wrong option" 2 "$(usage_of test --nonsense)"
same "build with an argument" 2 "$(usage_of build all)"
same "option without value" 2 "$(usage_of build --mysql-basedir)"
same "a command before the build" 1 "$(usage_of up)"
grep -q "not built yet" "$work/output" || fail "does not say that it is not built"

if [ "$failures" -gt 0 ]; then
  echo "$failures failed"
  exit 1
fi
echo "all passed"
