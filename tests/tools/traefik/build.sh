#!/usr/bin/env bash
# Builds Traefik from its Go module into the folder $1, in about 7 minutes. Exits with 1 where there is no Go.
# Traefik is not a module that `go install` accepts, because its go.mod has `replace` lines. So it is built in the folder of
# the downloaded module, with a copy of its go.mod that replaces three modules:
#   - go-http-auth (Basic and Digest authentication): the fork's commit that module proxies have. Tests do not use it.
#   - lego: a copy without its 150 DNS providers, which are most of the code. Tests do not ask a DNS provider.
#   - dynamic/ext: empty types for extensions of the configuration, which are a module of their own that is not published.
# The web page of the dashboard is not a part of the module; its API is.
set -euo pipefail
cache="$1" version=v3.7.13 lego=v5.4.1
# Part of the name: another build script is another tool.
tool="$cache/traefik-$version"
[ ! -x "$tool" ] || exit 0
command -v go >/dev/null || exit 1
here="$(cd "$(dirname "$0")" && pwd)"
work="$cache/traefik.new"
rm -rf "$work"
mkdir -p "$work/lego" "$work/ext"

folder_of() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
module="$(folder_of "github.com/traefik/traefik/v3@$version")"
cp -R "$(folder_of "github.com/go-acme/lego/v5@$lego")/." "$work/lego"
chmod -R u+w "$work/lego"
rm -rf "$work/lego/providers/dns"
mkdir "$work/lego/providers/dns"
cp "$here/dns_providers.go" "$work/lego/providers/dns"
cp "$here/extensions.go" "$work/ext"
printf 'module github.com/traefik/traefik/dynamic/ext\n\ngo 1.26\n' > "$work/ext/go.mod"

fork=github.com/containous/go-http-auth commit=v0.4.1-0.20200324110947-a37a7636d23e
sed -e "s#\($fork\) .*#\1 $commit#" -e "s#=> ./pkg/config/dynamic/ext#=> $work/ext#" "$module/go.mod" > "$work/go.mod"
echo "replace github.com/go-acme/lego/v5 => $work/lego" >> "$work/go.mod"
{
  grep -v "^$fork " "$module/go.sum"
  echo "$fork $commit h1:D+uTEzDZc1Fhmd0Pq06c+O9+KkAyExw0eVmu/NOqaHU="
  echo "$fork $commit/go.mod h1:s8kLgBQolDbsJOPVIGCEEv9zGAKUUf/685Gi0Qqg8z8="
} > "$work/go.sum"
(
  cd "$module"
  go build -trimpath -buildvcs=false -mod=readonly -modfile="$work/go.mod" \
    -ldflags "-s -w -X github.com/traefik/traefik/v3/pkg/version.Version=$version" -o "$work/traefik" ./cmd/traefik
)
mv "$work/traefik" "$tool"
chmod -R u+w "$work"
rm -rf "$work"
