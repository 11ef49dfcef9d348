#!/bin/sh
# Runs a TypeScript file of this project with a Node that can: sh cli/with-node.sh FILE ARGS...
# Makes a fresh clone runnable first. FILE is relative to the repository. The first of the flags may
# be --stripped: our sources are loaded without Node's parser of TypeScript (ADR 29).
set -eu

node_wanted=22.18

# The command may have been called through a symbolic link, as npm's bin does.
self=$(readlink -f -- "$0")
root=$(dirname -- "$(dirname -- "$self")")

fail() {
  printf 'shoal: %s\n' "$1" >&2
  exit 1
}

# The newest thing that npm writes is this file; it is as old as the last install.
installed="$root/node_modules/.package-lock.json"

is_missing() {
  [ ! -e "$installed" ] || [ "$root/package-lock.json" -nt "$installed" ]
}

if is_missing; then
  command -v npm >/dev/null ||
    fail "npm is needed to install the dependencies (on Debian: apt-get install npm)"
  # Services that start at once must not install over each other.
  exec 9<"$root/package-lock.json"
  if command -v flock >/dev/null; then flock 9; fi
  if is_missing; then
    echo "shoal: installing npm packages" >&2
    # The output is for people; standard output belongs to FILE.
    (cd "$root" && env -u npm_config_nodedir npm ci --loglevel=error >&2 9<&-) ||
      fail "npm ci failed in $root"
    touch "$installed"
  fi
  exec 9<&-
fi

is_new_enough() {
  "$1" -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const [wantedMajor, wantedMinor] = process.argv[1].split(".").map(Number);
    process.exit(major > wantedMajor || (major === wantedMajor && minor >= wantedMinor) ? 0 : 1);
  ' "$node_wanted" 2>/dev/null
}

node="$root/node_modules/.bin/node"
if [ ! -x "$node" ] || ! is_new_enough "$node"; then
  node=$(command -v node) && is_new_enough "$node" ||
    fail "Node >= $node_wanted is needed, and npm has none for this machine ($(uname -sm))"
fi

preload=
if [ "${1-}" = --stripped ]; then
  preload="$root/cli/stripped/preload.cjs"
  shift
fi
node_flags=
while [ $# -gt 0 ]; do
  case $1 in
    --*) node_flags="$node_flags $1" && shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || fail "usage: sh cli/with-node.sh [NODE-FLAGS] FILE ARGS..."
file=$1
shift
case $file in
  /*) ;;
  *) file="$root/$file" ;;
esac

# Programs that FILE starts find the same Node by its name.
PATH=$(dirname -- "$node"):$PATH
export PATH
# shellcheck disable=SC2086 # flags are words
exec "$node" --disable-warning=ExperimentalWarning ${preload:+--require "$preload"} $node_flags \
  "$file" "$@"
