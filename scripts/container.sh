#!/usr/bin/env bash
# Main process of a container: one DB system, up until the container is stopped; its log on standard output.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${SIROCCO_SYSTEM:-main}
./sirocco up "$name"
stop() {
  ./sirocco down "$name"
  exit 0
}
trap stop TERM INT
tail -n 0 -F "${SIROCCO_HOME:-$HOME/.sirocco}/systems/$name/logs/mysqld.log" &
# `wait` returns when a signal arrives; a system that ends by itself ends the container, so that it is seen.
while ./sirocco status "$name" >/dev/null; do
  sleep 5 &
  wait $! || true
done
echo "sirocco: system '$name' is not up any more" >&2
exit 1
