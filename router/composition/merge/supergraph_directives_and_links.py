"""Decide which directives the supergraph has, and which specifications it links (composition §2.5, §8.2).

The supergraph keeps a directive of the subgraphs in three cases:

- One of the specifications in `_SPECS` defines the directive.
- The directive is `@deprecated` or `@specifiedBy`.
- A `@composeDirective` names the directive (see `compose_directive`).

A schema can rename a directive of a specification: `import: [{name: "@tag", as: "@label"}]`. In this file, `element` is
the name in the specification: `tag`, not `label`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from router.composition.const_value_nodes import string
from router.composition.merge.compose_directive import ComposedDirective, composed_directives
from router.composition.merge.directive_argument_mergers import ARGUMENT_MERGERS
from router.composition.model import all_applied
from router.federation.spec_versions import LATEST_FEDERATION, SpecVersion, spec_version, spec_versions
from router.federation.version_numbers import Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from graphql.language import ConstValueNode

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.directive_argument_mergers import ArgumentMerger
    from router.composition.model import Applied
    from router.composition.report import Report
    from router.federation.linked_specs import Link, SpecUrl


@dataclass(frozen=True, slots=True)
class _Spec:
    """A specification that the supergraph may link.

    Attributes:
        elements: The names of the directives that the specification defines.
        purpose: The `for` argument of the supergraph's `@link` to the specification: SECURITY, EXECUTION or None.
        needs: Version of the specification → the oldest federation version that can be used with this version.
    """

    elements: tuple[str, ...]
    purpose: str | None
    needs: Mapping[str, str]


_SPECS: Mapping[str, _Spec] = {
    "tag": _Spec(("tag",), None, {"v0.1": "v1.0", "v0.3": "v2.0"}),
    "inaccessible": _Spec(("inaccessible",), "SECURITY", {"v0.1": "v1.0", "v0.2": "v2.0"}),
    "authenticated": _Spec(("authenticated",), "SECURITY", {"v0.1": "v2.5"}),
    "requiresScopes": _Spec(("requiresScopes",), "SECURITY", {"v0.1": "v2.5"}),
    "policy": _Spec(("policy",), "SECURITY", {"v0.1": "v2.6"}),
    "context": _Spec(("context",), "SECURITY", {"v0.1": "v2.8"}),
    "cost": _Spec(("cost", "listSize"), None, {"v0.1": "v2.9"}),
    "cacheTag": _Spec(("cacheTag",), "EXECUTION", {"v0.1": "v2.12"}),
    "connect": _Spec(
        ("connect", "source"), "EXECUTION", {"v0.1": "v2.10", "v0.2": "v2.10", "v0.3": "v2.10", "v0.4": "v2.13"}
    ),
}
_JOIN_NEEDS = {"v0.3": "v2.0", "v0.4": "v2.7", "v0.5": "v2.8"}

# The supergraph does not contain these directives themselves. It records each application as a `@join__directive`, for
# example `@join__directive(name: "connect", args: {...})`.
JOIN_DIRECTIVE_ELEMENTS = frozenset({"cacheTag", "connect", "source"})
# Specification → version of the specification → the oldest federation version that the supergraph may have if a
# subgraph links this version of the specification.
_RAISED_BY_LINK = {
    "connect": {"v0.1": "v2.10", "v0.2": "v2.11", "v0.3": "v2.12", "v0.4": "v2.13"},
    "authenticated": {"v0.1": "v2.5"},
    "cost": {"v0.1": "v2.9"},
}
# The newest version of the connect specification that is not a preview. The supergraph links this version unless a
# subgraph links a newer version.
_LATEST_CONNECT = Version(0, 3)


@dataclass(frozen=True, slots=True)
class MergedDirective:
    """A directive of the supergraph, with the data that `applied_directives` needs to merge its applications.

    Attributes:
        name: The name of the directive in the supergraph.
        element: The name of the directive in the specification; None for a custom directive.
        repeatable: Whether the directive is repeatable.
        defaults: Name of an argument → the default value.
        mergers: Name of an argument → the function that combines different values of the argument.
    """

    name: str
    element: str | None
    repeatable: bool = False
    defaults: Mapping[str, ConstValueNode] = field(default_factory=dict)
    mergers: Mapping[str, ArgumentMerger] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SupergraphLink:
    """One `@link` of the supergraph.

    Attributes:
        name: The name of the specification in the supergraph.
        url: The URL of the specification, with the version.
        purpose: The `for` argument of the `@link`: SECURITY, EXECUTION or None.
        imports: Pairs of a directive's name in the specification and its name in the supergraph, without `@`.
        renamed: Whether `name` differs from the name in the specification's URL.
    """

    name: str
    url: str
    purpose: str | None = None
    imports: tuple[tuple[str, str], ...] = ()
    renamed: bool = False


@dataclass(slots=True)
class SupergraphFeatures:
    """The directives and links of the supergraph.

    Attributes:
        version: The federation version of the supergraph.
        links: The `@link`s of the supergraph, except the `@link`s to the link and join specifications.
        specs: The specifications whose directives the supergraph defines. Each specification is paired with a mapping
            of directive names: name in the specification → name in the supergraph.
        composed: The custom directives.
        merged: Pair of a subgraph's index and a directive's name in this subgraph → the directive of the supergraph.
    """

    version: Version = LATEST_FEDERATION
    links: list[SupergraphLink] = field(default_factory=list)
    specs: list[tuple[SpecVersion, Mapping[str, str]]] = field(default_factory=list)
    composed: list[ComposedDirective] = field(default_factory=list)
    merged: dict[tuple[int, str], MergedDirective] = field(default_factory=dict)

    def of(self, index: int, applied: Applied) -> MergedDirective | None:
        """Return the directive of the supergraph for `applied`, an application in the subgraph at `index`.

        If the supergraph does not have the directive, return None.
        """
        return _GRAPHQL.get(applied.name) or self.merged.get((index, applied.name))

    @property
    def join(self) -> SpecVersion:
        """Return the version of the join specification that the supergraph links (composition §8.1)."""
        return _newest("join", _JOIN_NEEDS, self.version)


_GRAPHQL: Mapping[str, MergedDirective] = {
    "deprecated": MergedDirective("deprecated", "deprecated", defaults={"reason": string("No longer supported")}),
    "specifiedBy": MergedDirective("specifiedBy", "specifiedBy"),
}


def resolve_features(subgraphs: Sequence[SubgraphMetadata], report: Report) -> SupergraphFeatures:
    """Return the directives and links of the supergraph (composition §2.5).

    Reports the errors LINK_IMPORT_NAME_MISMATCH and DIRECTIVE_COMPOSITION_ERROR, and hints.
    """
    features = SupergraphFeatures(version=_version(subgraphs, report))
    used = _used_names(subgraphs)
    before = len(report.errors)
    own_names: set[str] = set()
    connect = _connect_version(subgraphs)
    for name, spec in _SPECS.items():
        names = {element: used[element] for element in spec.elements if element in used}
        if not names and not (name == "connect" and connect is not None):
            continue
        version = connect if name == "connect" and connect is not None else _newest(name, spec.needs, features.version)
        chosen = {element: _one_name(element, uses, subgraphs, report) for element, uses in names.items()}
        carried = JOIN_DIRECTIVE_ELEMENTS.issuperset(spec.elements)
        imports = tuple((e, own) for e, own in chosen.items() if not carried and own != _default(name, e))
        features.links.append(SupergraphLink(name, version.url, spec.purpose, imports))
        if not carried:
            every = {element: chosen.get(element, _default(name, element)) for element in version.directives}
            features.specs.append((version, every))
            # After the first directive that has several names, no further names are checked. Apollo's composition does
            # the same.
            own_names |= set(chosen.values()) if len(report.errors) == before else set()
        for element, uses in names.items():
            _register(features, version, element, chosen[element], uses)
    for composed in composed_directives(subgraphs, {name for uses in used.values() for name in uses}, report):
        features.composed.append(composed)
        merged = MergedDirective(
            composed.name,
            None,
            composed.definition.repeatable,
            {n: argument.default for n, argument in composed.definition.arguments.items() if argument.default},
        )
        for index in composed.subgraphs:
            features.merged[index, composed.name] = merged
    _check_names(own_names | {each.name for each in features.composed}, subgraphs, report)
    features.links += _composed_links(features.composed, {link.name for link in features.links})
    return features


def _check_names(names: AbstractSet[str], subgraphs: Sequence[SubgraphMetadata], report: Report) -> None:
    """Report each directive whose name is reserved for the join specification, such as `@join__field`."""
    for name in sorted(name for name in names if name == "join" or name.startswith("join__")):
        report.error(
            "INVALID_LINK_DIRECTIVE_USAGE",
            f'"@{name}" belongs to the join specification, which the supergraph links: import the directive under '
            "another name.",
            [
                (subgraph.name, source[0].node)
                for subgraph in subgraphs
                if (source := subgraph.schema.links.directive_source(name)) is not None
            ],
        )


def _version(subgraphs: Sequence[SubgraphMetadata], report: Report) -> Version:
    """Return the federation version of the supergraph: the newest version that any subgraph needs.

    A subgraph needs the federation version that it links. A Federation 2 subgraph can also link another specification,
    such as connect, that needs a newer federation version. Then the subgraph needs the newer version, and a hint is
    reported.
    """
    versions = []
    for subgraph in subgraphs:
        own = subgraph.schema.version
        needs = [(needed, link) for link in subgraph.schema.links if (needed := _needed(link)) is not None]
        newest = max((needed for needed, _ in needs), default=own)
        if subgraph.schema.is_federation_2 and newest > own:
            versions.append(newest)
            link = next(link for needed, link in needs if needed == newest)
            report.hint(
                "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
                f"[{subgraph.name}] {link.url} needs federation {newest}, so the subgraph is composed for it.",
                [(subgraph.name, link.node)],
            )
        else:
            versions.append(own)
    return max(versions)


def _needed(link: Link) -> Version | None:
    """Return the federation version that the linked version of a specification needs.

    Returns None if the table `_RAISED_BY_LINK` does not contain this version of the specification.
    """
    needs = _RAISED_BY_LINK.get(link.url.name, {}) if link.url.is_apollo else {}
    return Version.parse(needs.get(str(link.url.version), ""))


def _connect_version(subgraphs: Sequence[SubgraphMetadata]) -> SpecVersion | None:
    """Return the version of the connect specification that the supergraph links.

    If no subgraph links a known version of the connect specification, the result is None. Otherwise, the result is the
    newest version that a subgraph links, or `_LATEST_CONNECT` if `_LATEST_CONNECT` is newer.
    """
    linked = [
        link.spec
        for subgraph in subgraphs
        for link in subgraph.schema.links
        if link.url.is_apollo and link.url.name == "connect" and link.spec is not None
    ]
    versions = [spec.version for spec in linked]
    return spec_version("connect", max(_LATEST_CONNECT, *versions)) if versions else None


def _used_names(subgraphs: Sequence[SubgraphMetadata]) -> dict[str, dict[str, list[int]]]:
    """Return which names the subgraphs use for the directives in `_SPECS`.

    Returns:
        Name of a directive in the specification → name in subgraphs → indices of the subgraphs that use this name.
    """
    elements = {element for spec in _SPECS.values() for element in spec.elements}
    used: dict[str, dict[str, list[int]]] = {}
    for index, subgraph in enumerate(subgraphs):
        seen = {(applied.element, applied.name) for applied in all_applied(subgraph.schema)}
        for element, name in sorted(seen, key=str):
            if element in elements:
                used.setdefault(str(element), {}).setdefault(name, []).append(index)
    return used


def _one_name(
    element: str, uses: Mapping[str, Sequence[int]], subgraphs: Sequence[SubgraphMetadata], report: Report
) -> str:
    names = list(uses)
    if len(names) > 1:
        each = ", ".join(
            f"@{name} in {' and '.join(subgraphs[index].name for index in indices)}" for name, indices in uses.items()
        )
        sources = [
            {
                source[0].url.identity if (source := subgraphs[index].schema.links.directive_source(name)) else ""
                for index in indices
            }
            for name, indices in uses.items()
        ]
        # True if all names come from different specifications: no specification has two of the names.
        are_disjoint = len(frozenset().union(*sources)) == sum(map(len, sources))
        report.error(
            # Like Apollo's composition, report the first code if the names belong to different specifications, and the
            # second code if one specification has several names.
            "INVALID_LINK_DIRECTIVE_USAGE" if are_disjoint else "LINK_IMPORT_NAME_MISMATCH",
            f"The directive @{element} must have one name in all subgraphs, but it is {each}.",
            [
                (subgraphs[index].name, link.node)
                for indices in uses.values()
                for index in indices
                for link in subgraphs[index].schema.links
                if f"@{element}" in link.imports
            ],
        )
    return names[0]


def _default(spec: str, element: str) -> str:
    return element if element == spec else f"{spec}__{element}"


def _newest(name: str, needs: Mapping[str, str], federation: Version) -> SpecVersion:
    """Return the newest version of the specification `name` that can be used with the federation version.

    If no version can be used with the federation version, the oldest version is returned.
    """
    allowed = [
        spec
        for spec in spec_versions(name)
        if (needed := Version.parse(needs.get(str(spec.version), "v0.0"))) and needed <= federation
    ]
    return (allowed or list(spec_versions(name))[:1])[-1]


def _register(
    features: SupergraphFeatures, version: SpecVersion, element: str, name: str, uses: Mapping[str, Sequence[int]]
) -> None:
    definition = version.directives[element]
    merged = MergedDirective(
        name,
        element,
        definition.repeatable,
        {a.name.value: a.default_value for a in definition.arguments or () if a.default_value is not None},
        ARGUMENT_MERGERS.get(element, {}),
    )
    for own_name, indices in uses.items():
        for index in indices:
            features.merged[index, own_name] = merged


def _composed_links(composed: Sequence[ComposedDirective], linked: AbstractSet[str]) -> list[SupergraphLink]:
    by_url: dict[SpecUrl, list[tuple[str, str]]] = {}
    for directive in composed:
        by_url.setdefault(directive.url, []).append((directive.element, directive.name))
    taken = {"link", "join", *linked}
    links: list[SupergraphLink] = []
    for url, imports in by_url.items():
        name = _free(url.name, taken)
        taken.add(name)
        links.append(SupergraphLink(name, str(url), None, tuple(imports), name != url.name))
    return links


def _free(name: str, taken: AbstractSet[str]) -> str:
    """Return a name for a specification that is not in `taken`. Apollo's composition chooses the same name.

    If `name` is a valid GraphQL name and is not in `taken`, return `name`. Otherwise, remove all characters that a
    GraphQL name cannot have, and return the first of `_0name`, `_1name` and so on that is not in `taken`.
    """
    allowed = re.sub(r"\W", "", name, flags=re.ASCII)
    others = (f"_{number}{allowed}" for number in count())
    return name if name == allowed and name not in taken else next(other for other in others if other not in taken)
