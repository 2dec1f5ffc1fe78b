#!/bin/sh
# Signs an image, and attaches its bill of materials: sign-image.sh IMAGE@DIGEST SBOM
set -eu
image="$1" sbom="$2"
cosign login --username "$CI_REGISTRY_USER" --password "$CI_REGISTRY_PASSWORD" "$CI_REGISTRY"
cosign sign --yes "$image"
cosign attest --yes --type cyclonedx --predicate "$sbom" "$image"
