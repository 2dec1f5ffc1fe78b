#!/usr/bin/env bash
# Bundle GraphiQL into router/server/pages/graphiql, which git ignores and wheels carry. `make ide` installs the packages
# before. Without them there is nothing to do: the router has its own page.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$(dirname "$here")"
packages="$root/.peers/graphiql"
if [ ! -e "$packages/.installed" ]; then
  echo "GraphiQL is not bundled; the router shows its own page." >&2
  exit 0
fi
cp "$here"/*.mjs "$here"/*.html "$here"/*.css "$packages/"
pages="$root/router/server/pages"
(cd "$packages" && node build.mjs "$pages/graphiql" "$pages/explorer")
echo "GraphiQL is the page at / of a router in development."
