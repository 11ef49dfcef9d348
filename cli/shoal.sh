#!/bin/sh
# The shoal command. May be called through a symbolic link; signals reach the program itself.
set -eu
self=$(readlink -f -- "$0")
# Small young generations: daemons hold bulk data outside of the heap, and 2 MiB instead of the
# default 16 leave a node some 30 MiB.
exec sh "$(dirname -- "$self")/with-node.sh" --max-semi-space-size=2 cli/main.ts "$@"
