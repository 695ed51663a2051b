#!/usr/bin/env bash
# The SQL tests once under each debug setting of the node (engine/exec/debug_settings.h).
# Usage: knobs_test.sh --sirocco PROGRAM --runner PROGRAM [--knob NAME=VALUE]... [ARGUMENTS OF tests/sql/run.sh...]
# Without --knob: all of them, one after the other. Exit code: 0 if all passed.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sirocco=
runner=
knobs=()
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --sirocco) sirocco=$2 && shift 2 ;;
    --runner) runner=$2 && shift 2 ;;
    --knob) knobs+=("$2") && shift 2 ;;
    *) arguments+=("$1") && shift ;;
  esac
done
[ -x "$sirocco" ] && [ -x "$runner" ] || { echo "knobs_test.sh: --sirocco and --runner are needed" >&2; exit 2; }
if [ ${#knobs[@]} -eq 0 ]; then
  knobs=(VECTOR_SIZE=2 CHUNK_ROWS=1000 FORCE_HASH=1 FORCE_SPILL=1 THREADS=1 THREADS=2 SIMD_TARGET=base)
  # Sets that the machine does not have cannot run.
  if grep -qw avx2 /proc/cpuinfo; then knobs+=(SIMD_TARGET=v3); fi
  if grep -qw avx512bw /proc/cpuinfo; then knobs+=(SIMD_TARGET=v4); fi
fi
failed=()
for knob in "${knobs[@]}"; do
  echo "== $knob"
  if env "SIROCCO_DEBUG_${knob%%=*}=${knob#*=}" \
    "$here/../sql/run.sh" --sirocco "$sirocco" --runner "$runner" ${arguments[@]+"${arguments[@]}"}; then
    :
  else
    failed+=("$knob")
  fi
done
if [ ${#failed[@]} -ne 0 ]; then
  echo "FAILED under: ${failed[*]}"
  exit 1
fi
echo "passed under: ${knobs[*]}"
