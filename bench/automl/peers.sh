#!/usr/bin/env bash
# Fetches the benchmark's peers (scikit-learn, R's forecast) and the R packages with real data, and unpacks them
# into $SIROCCO_CACHE/peers/prefix, beside the project's own prefix and by the same rules: nothing is installed.
# Usage: peers.sh            prints the prefix
set -eu
SIROCCO_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
here=$SIROCCO_ROOT/bench/automl
. "$SIROCCO_ROOT/scripts/common.sh"
SIROCCO_CACHE=$SIROCCO_CACHE/peers
PREFIX=$SIROCCO_CACHE/prefix
. "$SIROCCO_ROOT/scripts/prefix.sh"
PACKAGES_FILE=$here/packages.txt

if ! prefix_is_ready; then
  mkdir -p "$SIROCCO_CACHE"
  if ! { [ -s "$PREFIX_LOCK" ] && lock_fits && verify_packages "$PREFIX_LOCK"; }; then
    prepare_apt_root
    retry 3 update_and_download || die "could not download the peers; log: $SIROCCO_CACHE/apt.log"
    write_lock
  fi
  say "unpacking $(wc -l <"$PREFIX_LOCK") packages of peers"
  unpack_prefix "$PREFIX.new"
  # R's configuration is a link with an absolute name.
  rm -rf "$PREFIX.new/usr/lib/R/etc"
  ln -s ../../../etc/R "$PREFIX.new/usr/lib/R/etc"
  lock_hash >"$PREFIX.new/.sirocco-stamp"
  replace_prefix
fi
echo "$PREFIX"
