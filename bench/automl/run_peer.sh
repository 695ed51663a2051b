#!/usr/bin/env bash
# Runs a program of the peers' prefix: run_peer.sh python SCRIPT ARGUMENTS... | run_peer.sh r SCRIPT ARGUMENTS...
# The prefix is never on the host's paths: its own loader finds its own libraries.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$("$here/peers.sh" 2>/dev/null)
lib=$prefix/usr/lib/x86_64-linux-gnu
libraries=$lib:$lib/openblas-pthread:$lib/blas:$lib/lapack:$prefix/usr/lib/R/lib
loader=$prefix/usr/lib64/ld-linux-x86-64.so.2
what=$1
shift
case $what in
  python)
    version=$(ls "$prefix/usr/bin" | grep -E '^python3\.[0-9]+$' | head -n 1)
    PYTHONHOME=$prefix/usr PYTHONPATH=$prefix/usr/lib/python3/dist-packages PYTHONDONTWRITEBYTECODE=1 \
      OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-2} OMP_WAIT_POLICY=passive exec "$loader" --library-path "$libraries" "$prefix/usr/bin/$version" "$@"
    ;;
  r)
    script=$1
    shift
    R_HOME=$prefix/usr/lib/R R_LIBS_SITE=$prefix/usr/lib/R/site-library R_LIBS=$prefix/usr/lib/R/library \
      R_SHARE_DIR=$prefix/usr/share/R/share R_INCLUDE_DIR=$prefix/usr/share/R/include R_DOC_DIR=$prefix/usr/share/R/doc \
      TZ=UTC EDITOR=vi PAGER=cat R_DEFAULT_PACKAGES=datasets,utils,grDevices,graphics,stats,methods exec "$loader" --library-path "$libraries" "$prefix/usr/lib/R/bin/exec/R" --no-save --no-restore --no-echo \
      --file="$script" --args "$@"
    ;;
esac
