"""Find the custom directives of the supergraph: the directives that subgraphs name with `@composeDirective`.

See composition §2.6.

Reports the error DIRECTIVE_COMPOSITION_ERROR and the hints DIRECTIVE_COMPOSITION_WARN and DIRECTIVE_COMPOSITION_INFO.

To *compose* a directive means to keep the directive in the supergraph. The *identity* of a specification is its URL
without the version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.model import Applied, DirectiveDef
    from router.composition.report import Report
    from router.federation.linked_specs import Link, SpecUrl

_RESERVED = frozenset(
    {
        "core",
        "join",
        "link",
        "tag",
        "inaccessible",
        "federation",
        "authenticated",
        "requiresScopes",
        "policy",
        "source",
        "connect",
        "context",
        "cost",
        "cacheTag",
    }
)
_COMPOSED_BY_DEFAULT = frozenset({"tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context"})


@dataclass(frozen=True, slots=True)
class ComposedDirective:
    """A custom directive of the supergraph.

    Attributes:
        url: The URL of the specification that defines the directive.
        element: The name of the directive in the specification.
        name: The name of the directive in the supergraph.
        definition: The definition of the directive in the supergraph.
        subgraphs: Indices of the subgraphs that name the directive with `@composeDirective`.
    """

    url: SpecUrl
    element: str
    name: str
    definition: DirectiveDef
    subgraphs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _ComposeRequest:
    """One valid `@composeDirective` of the subgraph at `index`."""

    index: int
    link: Link
    element: str
    name: str
    applied: Applied


def composed_directives(
    subgraphs: Sequence[SubgraphMetadata], reserved_names: AbstractSet[str], report: Report
) -> list[ComposedDirective]:
    """Return the custom directives of the supergraph (composition §2.6).

    A directive that cannot be composed is reported as an error. The result does not contain the directive.
    """
    requests: list[_ComposeRequest] = []
    for index, subgraph in enumerate(subgraphs):
        for applied in subgraph.schema.applied:
            if applied.element == "composeDirective":
                request = _request(index, subgraph, applied, reserved_names, report)
                if request is not None:
                    requests.append(request)
    _hint_different_majors(subgraphs, {request.link.url.identity for request in requests}, report)
    broken = {
        *_different_majors(subgraphs, requests, report),
        *_different_sources(subgraphs, requests, report),
        *_different_names(subgraphs, requests, report),
    }
    result = []
    for name in dict.fromkeys(request.name for request in requests):
        group = [request for request in requests if request.name == name and request.link.url.identity not in broken]
        if not group:
            continue
        identity = group[0].link.url.identity
        composed = [request.link.url for request in requests if request.link.url.identity == identity]
        url = max(composed, key=lambda each: each.version)
        definition = _definition(subgraphs, group[0], url)
        if definition is None:
            report.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f"No subgraph that links {url}, the newest composed version, defines @{name}.",
                [(subgraphs[request.index].name, request.applied.node) for request in group],
            )
            continue
        result.append(ComposedDirective(url, group[0].element, name, definition, tuple(r.index for r in group)))
    return result


def _definition(subgraphs: Sequence[SubgraphMetadata], request: _ComposeRequest, url: SpecUrl) -> DirectiveDef | None:
    """Return a subgraph's definition of the directive, with the name that the directive has in the supergraph.

    Only subgraphs that link the specification in the version of `url` count. If several of them define the directive,
    the last definition is returned. If none of them defines the directive, the result is None.
    """
    for index, link in reversed([*_linked(subgraphs, url.identity)]):
        definition = subgraphs[index].schema.directives.get(link.directive_name(request.element))
        if link.url.version == url.version and definition is not None:
            return replace(definition, name=request.name)
    return None


def _request(  # noqa: PLR0911 - one return for each error
    index: int, subgraph: SubgraphMetadata, applied: Applied, reserved_names: AbstractSet[str], report: Report
) -> _ComposeRequest | None:
    def refuse(reason: str) -> None:
        report.error("DIRECTIVE_COMPOSITION_ERROR", f"[{subgraph.name}] {reason}.", [(subgraph.name, applied.node)])

    written = applied.text("name")
    if not written:
        refuse("@composeDirective needs the name of a directive")
        return None
    if not written.startswith("@"):
        refuse(f'"{written}" in @composeDirective must begin with "@"')
        return None
    name = written[1:]
    if name not in subgraph.schema.directives:
        refuse(f"@composeDirective names @{name}, which is not defined here")
        return None
    source = subgraph.schema.links.directive_source(name)
    if source is None:
        refuse(f"@{name} cannot be composed: it does not come from a specification linked with @link")
        return None
    link, element = source
    if link.url.is_apollo and link.url.name in _RESERVED:
        if element in _COMPOSED_BY_DEFAULT:
            report.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                f"[{subgraph.name}] @{name} is composed by default: @composeDirective is not needed for it.",
                [(subgraph.name, applied.node)],
            )
        else:
            refuse(f"@{name} belongs to {link.url.identity} and cannot be composed")
        return None
    if name in reserved_names:
        refuse(f"@{name} cannot be composed: other subgraphs use that name for a federation directive")
        return None
    return _ComposeRequest(index, link, element, name, applied)


def _linked(subgraphs: Sequence[SubgraphMetadata], identity: str) -> Iterator[tuple[int, Link]]:
    for index, subgraph in enumerate(subgraphs):
        link = subgraph.schema.links.get(identity)
        if link is not None:
            yield index, link


def _different_majors(
    subgraphs: Sequence[SubgraphMetadata], requests: Sequence[_ComposeRequest], report: Report
) -> Iterator[str]:
    """Report an error if subgraphs compose directives from different major versions of the same specification.

    If a subgraph links another major version, but composes no directive of the specification, only a hint is reported.

    Yields:
        The identity of each specification with an error.
    """
    for identity in dict.fromkeys(request.link.url.identity for request in requests):
        group = [request for request in requests if request.link.url.identity == identity]
        majors = {request.link.url.version.major for request in group}
        if len(majors) > 1:
            report.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f"Subgraphs that compose directives of {identity} link different major versions of it.",
                [(subgraphs[request.index].name, request.link.node) for request in group],
            )
            yield identity
            continue
        others = [
            (index, link)
            for index, link in _linked(subgraphs, identity)
            if link.url.version.major not in majors and index not in {request.index for request in group}
        ]
        if others:
            report.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                f"{', '.join(subgraphs[index].name for index, _ in others)} link another major version of {identity} "
                "than the subgraphs that compose its directives.",
                [(subgraphs[index].name, link.node) for index, link in others],
            )


def _hint_different_majors(subgraphs: Sequence[SubgraphMetadata], composed: AbstractSet[str], report: Report) -> None:
    """Report a hint for each specification that subgraphs link in different major versions.

    `composed` contains the identities of the specifications from which subgraphs compose directives. These
    specifications are skipped, because `_different_majors` checks them.
    """
    linked = [(index, link) for index, subgraph in enumerate(subgraphs) for link in subgraph.schema.links]
    for identity in dict.fromkeys(link.url.identity for _, link in linked if not link.url.is_apollo):
        links = [(index, link) for index, link in linked if link.url.identity == identity]
        if identity not in composed and len({link.url.version.major for _, link in links}) > 1:
            report.hint(
                "DIRECTIVE_COMPOSITION_INFO",
                f"Subgraphs link different major versions of {identity}, which is not composed.",
                [(subgraphs[index].name, link.node) for index, link in links],
            )


def _different_sources(
    subgraphs: Sequence[SubgraphMetadata], requests: Sequence[_ComposeRequest], report: Report
) -> Iterator[str]:
    """Report an error if subgraphs compose different directives under the same name.

    Yields:
        The identities of the specifications that define these directives.
    """
    for name in dict.fromkeys(request.name for request in requests):
        group = [request for request in requests if request.name == name]
        if len({(request.link.url.identity, request.element) for request in group}) > 1:
            report.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f"@{name} is the name of different directives in {', '.join(subgraphs[r.index].name for r in group)}.",
                [(subgraphs[request.index].name, request.applied.node) for request in group],
            )
            yield from {request.link.url.identity for request in group}


def _different_names(
    subgraphs: Sequence[SubgraphMetadata], requests: Sequence[_ComposeRequest], report: Report
) -> Iterator[str]:
    """Report an error if subgraphs compose the same directive under different names.

    If a subgraph imports a directive under another name but does not compose the directive, only a hint is reported.

    Yields:
        For each directive with an error, the identity of the directive's specification.
    """
    for identity, element in dict.fromkeys((r.link.url.identity, r.element) for r in requests):
        group = [r for r in requests if (r.link.url.identity, r.element) == (identity, element)]
        names = {request.name for request in group}
        if len(names) > 1:
            report.error(
                "DIRECTIVE_COMPOSITION_ERROR",
                f"@{element} of {identity} is composed under different names: {', '.join(sorted(names))}.",
                [(subgraphs[request.index].name, request.link.node) for request in group],
            )
            yield identity
            continue
        composing = {request.index for request in group}
        for index, link in _linked(subgraphs, identity):
            if index not in composing and f"@{element}" in link.imports and link.directive_name(element) not in names:
                report.hint(
                    "DIRECTIVE_COMPOSITION_WARN",
                    f"[{subgraphs[index].name}] @{element} of {identity} is called @{link.directive_name(element)} "
                    f"here, but composed as @{next(iter(names))} elsewhere.",
                    [(subgraphs[index].name, link.node)],
                )
