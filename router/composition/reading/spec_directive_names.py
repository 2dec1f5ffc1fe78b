"""Convert a directive's name in a subgraph to its name in the specification: `federation__key` becomes `key`."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from router.federation.spec_versions import spec_version
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from router.federation.linked_specs import Link, Links

# The upgrade converts a Federation 1 schema to this version, and imports every directive of this version.
UPGRADED_TO = Version(2, 4)
# Directives of GraphQL itself. Composition merges only `@deprecated` and `@specifiedBy`.
GRAPHQL_DIRECTIVES = frozenset({"deprecated", "specifiedBy", "oneOf", "skip", "include"})
# Specifications, besides federation, whose directives composition knows. A schema can link each of these specifications
# with its own `@link`.
_MERGED_SPECS = frozenset(
    {"tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context", "cost", "cacheTag", "connect"}
)


@cache
def federation_1_names() -> frozenset[str]:
    """Return the names of the directives that a Federation 1 schema can use without `@link`."""
    spec = spec_version("federation", UPGRADED_TO)
    return frozenset(spec.directives if spec else ())


def element_resolver(links: Links, *, federation_2: bool) -> Callable[[str], str | None]:
    """Return a function that converts a directive's name in the schema to the directive's name in its specification.

    The function returns None for a directive that composition does not know, such as a custom directive.
    """
    known: dict[str, str | None] = {}

    def resolve(name: str) -> str | None:
        if name not in known:
            known[name] = _resolve(name, links, federation_2=federation_2)
        return known[name]

    return resolve


def _resolve(name: str, links: Links, *, federation_2: bool) -> str | None:
    if name in GRAPHQL_DIRECTIVES:
        return name
    source = links.directive_source(name)
    if source is None:
        if not federation_2 and name in federation_1_names():
            return name
        return "link" if name == "link" and not links.get("link") else None
    return _apollo_element(*source) if source[0].url.is_apollo else None


def _apollo_element(link: Link, element: str) -> str | None:
    spec = link.url.name
    if spec in ("link", "core"):
        return "link" if element in ("link", "core") else None
    if spec == "federation" or spec in _MERGED_SPECS:
        return element if link.spec is not None and element in link.spec.directives else None
    return None
