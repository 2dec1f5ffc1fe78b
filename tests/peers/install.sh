#!/usr/bin/env bash
# Install npm packages for tests into .peers/, which git ignores. If the lock file has not changed, do nothing.
#   install.sh                      the packages of this folder
#   install.sh FOLDER SUBFOLDER     the packages of FOLDER, into .peers/SUBFOLDER
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
here="$(cd "${1:-$(dirname "$0")}" && pwd)"
target="$root/.peers/${2:-}"
if cmp -s "$here/package-lock.json" "$target/.installed"; then
  exit 0
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "Node.js or npm is not installed; the tests that use npm packages will be skipped." >&2
  [ "${CI:-}" != true ] || exit 1
  exit 0
fi
mkdir -p "$target"
rm -f "$target/.installed"
cp "$here/package.json" "$here/package-lock.json" "$target/"
[ ! -f "$here/.npmrc" ] || cp "$here/.npmrc" "$target/"
(cd "$target" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error)
cp "$here/package-lock.json" "$target/.installed"
