#!/usr/bin/env bash
# Installs the other routers of the race into a cache outside the tree. A router that is there is kept.
#   install.sh                     every router
#   install.sh node hive_router    only these
# A router that cannot be installed is reported, and the race reports it as absent. All versions are fixed here and in
# node/package-lock.json; race/routers/*.py have the same versions.
set -uo pipefail
cache="${XDG_CACHE_HOME:-$HOME/.cache}/mosafe/race"
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "$cache"

absent() { echo "$1: $2; the race reports it as absent." >&2; }

# Gateways in Node.js: Apollo Gateway, Hive Gateway with and without its native query planner, Mercurius.
node() {
  local digest folder
  digest="$(sha256sum "$here/node/package-lock.json" | cut -c 1-16)"
  folder="$cache/node-$digest"
  [ ! -e "$folder/.installed" ] || return 0
  command -v npm >/dev/null || { absent "gateways in Node.js" "npm is not installed"; return 0; }
  mkdir -p "$folder"
  cp "$here/node/package.json" "$here/node/package-lock.json" "$folder/"
  (cd "$folder" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error) \
    && touch "$folder/.installed" || absent "gateways in Node.js" "npm ci failed"
}

# Later versions need a later rustc. The build takes 15 minutes on two cores. An interrupted one goes on where it was.
hive_router() {
  local version=0.2.0
  local tool="$cache/hive-router-$version"
  [ ! -x "$tool" ] || return 0
  command -v cargo >/dev/null || { absent "Hive Router" "cargo is not installed"; return 0; }
  CARGO_TARGET_DIR="$cache/hive-router-build" cargo install --quiet --locked --features graphiql ${CARGO_INSTALL_FLAGS:-} \
    --root "$cache/hive-router.new" --version "$version" hive-router || { absent "Hive Router" "the build failed"; return 0; }
  mv "$cache/hive-router.new/bin/hive_router" "$tool"
  rm -rf "$cache/hive-router.new" "$cache/hive-router-build"
}

routers=("$@")
[ $# -gt 0 ] || routers=(node hive_router)
for router in "${routers[@]}"; do "$router"; done
