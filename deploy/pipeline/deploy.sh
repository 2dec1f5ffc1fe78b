#!/bin/sh
# Installs or updates the platform in a namespace, and waits until it is ready. If it does not get ready, Helm restores the
# version before. The images are those whose digests are in the files image-<process>.digest: deploy.sh NAMESPACE URL
set -eu
namespace="$1" url="$2"
set --
for file in image-*.digest; do
  [ -e "$file" ] || { echo "there is no image-<process>.digest of the job build-image" >&2; exit 1; }
  process="${file#image-}"
  set -- "$@" --set "image.digests.${process%.digest}=$(cat "$file")"
done
helm upgrade mosafe deploy/helm/mosafe --install --namespace "$namespace" --create-namespace \
  --set "publicUrl=$url" --set "image.registry=$CI_REGISTRY_IMAGE" --set "image.tag=$CI_COMMIT_SHA" "$@" \
  --atomic --wait --timeout 10m
