#!/usr/bin/env bash
# The peers' Python under a name of its own, for processes that it starts itself.
exec "$(dirname "$0")/run_peer.sh" python "$@"
