#!/bin/sh
# Writes the code and the types of every .proto file here into a folder (default: gen).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-"$here/gen"}
mkdir -p "$out"

# pbjs is run by the Node that runs us, which need not be the first one on the PATH.
pbjs() {
  "${npm_node_execpath:-node}" "$here/../node_modules/protobufjs-cli/bin/pbjs" \
    --target static-module --wrap esm --dependency protobufjs/minimal.js --path "$here" \
    --no-verify --no-convert --no-delimited --no-typeurl --no-service "$@"
}

for proto in "$here"/*.proto; do
  name=$(basename "$proto" .proto)
  # The types are made of the comments, so they need a run of their own. A root of its
  # own keeps a file from overwriting the packages of another.
  pbjs --root "$name" --dts --out "$out/$name.js" "$proto"
  pbjs --root "$name" --no-comments --out "$out/$name.js" "$proto"
done
