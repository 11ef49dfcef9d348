#!/bin/sh
# The shoal command. May be called through a symbolic link; signals reach the program itself.
set -eu
self=$(readlink -f -- "$0")
# The C library gives each of a dozen threads an arena of its own by default, which keeps what the
# thread has freed: two leave a node some 6 MiB.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX-2}"
# Small young generations: daemons hold bulk data outside of the heap, and 2 MiB instead of the
# default 16 leave a node some 30 MiB.
exec sh "$(dirname -- "$self")/with-node.sh" --stripped --max-semi-space-size=2 cli/main.ts "$@"
