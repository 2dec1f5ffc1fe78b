#!/usr/bin/env bash
# Install the peers into .peers/, which git ignores: once per lock file, and without the network after that.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
target="$here/../../.peers"
if cmp -s "$here/package-lock.json" "$target/.installed"; then
  exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "make peers: Node.js and npm are not here; the tests that compare with other implementations will be skipped." >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
fi
mkdir -p "$target"
rm -f "$target/.installed"
cp "$here/package.json" "$here/package-lock.json" "$target/"
(cd "$target" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error)
cp "$here/package-lock.json" "$target/.installed"
