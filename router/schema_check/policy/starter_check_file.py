"""Writes a first `.router/check.yaml`, and the JSON Schema with which editors complete and check it."""

from __future__ import annotations

from typing import Any, Final

from router.schema_check.policy.check_settings import CheckSettings

SCHEMA_FILE: Final = "check.schema.json"


def starter_check_file(proposed: str | None, base: str) -> str:
    """Return the text of a file that sets `proposed` and `base`, and shows all other keys as comments.

    Args:
        proposed: The list of subgraphs, or the schema, that was found; None if neither was found.
        base: The version that clients know.
    """
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        "# The policy for schema checks, which `router check` reads. Paths are relative to the folder above .router.",
        "",
        f"proposed: {proposed}" if proposed else "# proposed: supergraph.yaml",
        f"base: {base}",
        "",
        "# Operations that clients send: folders, files and manifests. Without them, every breaking change fails.",
        "# operations: [web/src, persisted-queries.json]",
    ]
    return "\n".join([*lines, _REST])


def check_file_schema() -> dict[str, Any]:
    """Return the JSON Schema of `.router/check.yaml`."""
    schema = CheckSettings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "check.yaml"}


_REST: Final = """\

# The check fails with breaking changes that known operations use. `dangerous` makes it stricter.
# fail_on: breaking

# Another severity for all changes with a code: breaking, dangerous or safe.
# severities:
#   ENUM_VALUE_ADDED: safe

# Switch steps off: diff, operations, usage, lint, contracts, plan_cost.
# steps:
#   plan_cost: false

# Schemas that some clients see, selected by @tag.
# contracts:
#   public:
#     include: [public]
#     hide_unreachable: true

# The check fails if the plan of a known operation grows by more than this.
# plan_cost:
#   more_fetches: 2
#   more_depth: 0
#   more_fetches_per_request: 0.1

# Rules of style for schema files: off, info, warning or error. router check --explain lists the rules.
# lint:
#   rules:
#     FIELD_NAMES: error
#   only_new: true

# What clients sent, as the router recorded it. A breaking change that nobody uses does not make the check fail.
# usage:
#   store: usage.sqlite
#   since: 30d
#   below: 0.1%
#   exclude_clients: [load-test]
#   # For some kinds of changes, other requests count.
#   rules:
#     FIELD_REMOVED: {since: 90d}

# If each repository has one subgraph: the registry with the others, and the subgraphs of this repository.
# registry: git+https://git.example.com/schemas.git#main:registry
# subgraphs:
#   books:
#     file: schema.graphql
#     routing_url: https://books.example.com/graphql
"""
