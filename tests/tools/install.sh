#!/usr/bin/env bash
# Fetches the tools that tests run by hand and at night need, into a cache outside the tree. A tool that is there is kept.
# Without Go (for toxiproxy), or Java and Maven (for Kafka), the tests that need a tool are skipped; where CI is set, this
# script fails instead.
set -euo pipefail
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mosafe/tools"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$cache"

missing() {
  echo "$1 is not installed; the tests that use $2 will be skipped." >&2
  [ "${CI:-}" != true ] || exit 1
}

toxiproxy() {
  local module=github.com/Shopify/toxiproxy/v2 version=v2.5.0
  local tool="$cache/toxiproxy-server-$version"
  [ ! -x "$tool" ] || return 0
  command -v go >/dev/null || { missing Go toxiproxy; return 0; }
  # The checksum database of Go verifies the module.
  GOBIN="$cache" GOFLAGS=-trimpath go install "$module/cmd/server@$version"
  mv "$cache/server" "$tool"
}

# The version is the one of kafka/pom.xml and of mosafe/local_servers/kafka_server.py.
kafka() {
  local tool="$cache/kafka-3.9.1"
  [ ! -d "$tool" ] || return 0
  command -v java >/dev/null || { missing Java Kafka; return 0; }
  command -v mvn >/dev/null || { missing Maven Kafka; return 0; }
  rm -rf "$tool.new"
  mvn --quiet --batch-mode --file "$here/kafka/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$tool.new"
  mv "$tool.new" "$tool"
}

toxiproxy
kafka
