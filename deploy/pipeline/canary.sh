#!/bin/sh
# Sends a part of the traffic to the new version of the router and the REST layer: canary.sh PERCENT
# The new version is the image in image-<process>.digest. 0 ends it. The weights are those of the VirtualServices of deploy/istio.
set -eu
percent="$1"
if [ "$percent" -gt 0 ]; then
  for process in router rest; do
    digest="$(cat "image-$process.digest")"
    kubectl --namespace production get deployment "$process" --output json \
      | jq --arg image "$CI_REGISTRY_IMAGE/$process:$CI_COMMIT_SHA@$digest" --arg name "$process-canary" '
          .metadata = {name: $name, labels: .metadata.labels}
          | .spec.replicas = 1
          | .spec.selector.matchLabels["mosafe.example/track"] = "canary"
          | .spec.template.metadata.labels["mosafe.example/track"] = "canary"
          | .spec.template.spec.containers[0].image = $image
          | del(.status)' \
      | kubectl --namespace production apply --filename -
    kubectl --namespace production rollout status "deployment/$process-canary" --timeout 5m
  done
fi
for process in router rest; do
  kubectl --namespace production patch virtualservice "$process" --type json --patch "[
    {\"op\": \"replace\", \"path\": \"/spec/http/1/route/0/weight\", \"value\": $((100 - percent))},
    {\"op\": \"replace\", \"path\": \"/spec/http/1/route/1/weight\", \"value\": $percent}]"
  [ "$percent" -gt 0 ] || kubectl --namespace production delete deployment "$process-canary" --ignore-not-found
done
