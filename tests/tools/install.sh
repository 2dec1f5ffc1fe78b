#!/usr/bin/env bash
# Fetches the tools that tests run by hand and at night need, into a cache outside the tree. A tool that is there is kept.
# Without Go (for toxiproxy, and for the tools of `make test-deploy`), Java and Maven (for Kafka), or apt-get (for nginx,
# promtool and the exporter of Redis), the tests that need a tool are skipped; where CI is set, this script fails instead.
#   install.sh                    every tool
#   install.sh helm traefik       only these
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

# Builds a command of a Go module, whose go.sum the checksum database of Go verifies. tests/tools/deploy_tools.py has the
# same versions.
#   go_command NAME VERSION PACKAGE [LINKER FLAGS]
go_command() {
  local tool="$cache/$1-$2"
  [ ! -x "$tool" ] || return 0
  command -v go >/dev/null || { missing Go "$1"; return 0; }
  local new="$cache/$1-$2.new"
  rm -rf "$new"
  GOBIN="$new" GOFLAGS=-trimpath go install -ldflags "-s -w ${4:-}" "$3@$2"
  mv "$new/$(basename "$(sed -E 's#/v[0-9]+$##' <<<"$3")")" "$tool"
  rmdir "$new"
}

kubeconform() { go_command kubeconform v0.8.0 github.com/yannh/kubeconform/cmd/kubeconform; }
kustomize() { go_command kustomize v5.7.1 sigs.k8s.io/kustomize/kustomize/v5; }
# An ACME server for tests.
pebble() { go_command pebble v2.10.3 github.com/letsencrypt/pebble/v2/cmd/pebble; }
# Asks registries for digests, and is a registry for tests.
crane() { go_command crane v0.22.1 github.com/google/go-containerregistry/cmd/crane; }
helm() { go_command helm v3.22.0 helm.sh/helm/v3/cmd/helm; }
# Builds a command in the folder of its module, where `go install` refuses the module.
#   command_in_module NAME VERSION MODULE FOLDER [LINKER FLAGS]
command_in_module() {
  local tool="$cache/$1-$2"
  [ ! -x "$tool" ] || return 0
  command -v go >/dev/null || { missing Go "$1"; return 0; }
  local folder
  folder="$(go mod download -json "$3@$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')"
  (cd "$folder" && go build -trimpath -buildvcs=false -mod=readonly -o "$tool" -ldflags "-s -w ${5:-}" "$4")
}

# Only `config` is used: it needs no container engine. Its go.mod has `exclude` lines.
compose() {
  local module=github.com/docker/compose/v2 version=v2.40.3
  command_in_module compose "$version" "$module" ./cmd "-X $module/internal.Version=$version"
}

# Checks and runs VCL of Fastly. `go install` asks for a list of its versions, which not every module proxy has.
falco() { command_in_module falco v1.11.0 github.com/ysugimoto/falco ./cmd/falco; }

traefik() { "$here/traefik/build.sh" "$cache" || missing Go Traefik; }

# Unpacks one program of a Debian package. It is not installed: an installed server would start to serve on the machine of a
# developer.
#   debian_program PACKAGE PATH TOOL
debian_program() {
  local package="$1" path="$2" tool="$cache/$3"
  [ ! -x "$tool" ] || return 0
  ! PATH="$PATH:/usr/sbin" type -P "$3" >/dev/null || return 0
  command -v apt-get >/dev/null || { missing "apt-get or $3" "$3"; return 0; }
  local new="$cache/$3.new"
  rm -rf "$new"
  mkdir -p "$new"
  # apt verifies the package with the keys of the distribution. As root, it would drop its rights first, and then could not
  # write into this folder.
  (cd "$new" && apt-get --quiet=2 --option APT::Sandbox::User=root download "$package")
  dpkg -x "$new/$package"_*.deb "$new"
  mv "$new/$path" "$tool"
  rm -r "$new"
}

nginx() { debian_program nginx usr/sbin/nginx nginx; }
redis_exporter() { debian_program prometheus-redis-exporter usr/bin/prometheus-redis-exporter prometheus-redis-exporter; }
promtool() { debian_program prometheus usr/bin/promtool promtool; }

# A command that asks Coraza with the OWASP Core Rule Set for its decision on requests.
coraza() {
  local tool
  tool="$cache/coraza-$(cat "$here"/coraza/main.go "$here"/coraza/go.* | cksum | cut -d ' ' -f 1)"
  [ ! -x "$tool" ] || return 0
  command -v go >/dev/null || { missing Go Coraza; return 0; }
  (cd "$here/coraza" && go build -trimpath -buildvcs=false -mod=readonly -o "$tool" .)
}

# Schemas of the custom resources of cert-manager, Istio, Traefik and the Gateway API, from the Go modules that define them.
resource_schemas() {
  local tool
  tool="$cache/resource-schemas-$(cksum < "$here/resource_schemas.py" | cut -d ' ' -f 1)"
  [ ! -d "$tool" ] || return 0
  command -v go >/dev/null || { missing Go "the schemas of custom resources"; return 0; }
  lint_commands
  rm -rf "$tool.new"
  "$cache/$lint_folder/bin/python" "$here/resource_schemas.py" "$tool.new"
  mv "$tool.new" "$tool"
}

# checkov pins the versions of dozens of libraries. In .venv it would hold back those of the product, so it and the other
# linters have an environment of their own; tests only call their commands.
lint_folder="lint-$(cksum < "$here/lint/requirements.txt" | cut -d ' ' -f 1)"
lint_commands() {
  local tool="$cache/$lint_folder"
  [ ! -x "$tool/bin/checkov" ] || return 0
  rm -rf "$tool"
  "${PYTHON:-python3}" -m venv "$tool"
  "$tool/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/lint/requirements.txt"
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

tools=("$@")
[ $# -gt 0 ] || tools=(
  toxiproxy kafka kubeconform kustomize helm crane pebble compose nginx promtool redis_exporter traefik coraza falco lint_commands
  resource_schemas
)
for tool in "${tools[@]}"; do "$tool"; done
