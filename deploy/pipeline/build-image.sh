#!/bin/sh
# Builds the image of a process, pushes it, and writes its digest into image-PROCESS.digest: build-image.sh PROCESS IMAGE
set -eu
process="$1" image="$2"
docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY" <<EOF
$CI_REGISTRY_PASSWORD
EOF
docker buildx create --use --name mosafe >/dev/null
docker buildx build --push --provenance=mode=max --sbom=true \
  --build-arg PROCESS="$process" --build-arg REVISION="$CI_COMMIT_SHA" \
  --cache-from "type=registry,ref=${image%:*}:cache" --cache-to "type=registry,ref=${image%:*}:cache,mode=max" \
  --tag "$image" .
docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$image" >"image-$process.digest"
