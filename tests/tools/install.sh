#!/usr/bin/env bash
# Builds the tools that tests run by hand and at night need, into a cache outside the tree. A tool that is there is kept.
# Without Go, the tests that need a tool are skipped; where CI is set, this script fails instead.
set -euo pipefail
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mosafe/tools"
module=github.com/Shopify/toxiproxy/v2 version=v2.5.0
tool="$cache/toxiproxy-server-$version"
if [ -x "$tool" ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "Go is not installed; the tests that use toxiproxy will be skipped." >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
fi
mkdir -p "$cache"
# The checksum database of Go verifies the module.
GOBIN="$cache" GOFLAGS=-trimpath go install "$module/cmd/server@$version"
mv "$cache/server" "$tool"
