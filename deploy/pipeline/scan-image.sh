#!/bin/sh
# Scans an image by the policy of trivy.yaml, and writes its bill of materials: scan-image.sh IMAGE@DIGEST SBOM
set -eu
image="$1" sbom="$2"
trivy image --format cyclonedx --output "$sbom" "$image"
trivy image --config deploy/pipeline/trivy.yaml --scanners vuln,secret,license --format json \
  --output "report-$(basename "$sbom")" "$image"
