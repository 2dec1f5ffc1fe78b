"""The data that all merge steps read and write.

A `Sources` mapping contains the declarations of one element: index of a subgraph → the declaration in this subgraph.
Subgraphs that do not have the element are not in the mapping. So a merge step need not loop over all subgraphs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from router.composition.model import Element, FieldDef, Schema, TypeDef
from router.composition.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from graphql.language import Node

    from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
    from router.composition.merge.supergraph_directives_and_links import SupergraphFeatures
    from router.composition.report import SourcePlace

_S = TypeVar("_S")
_T = TypeVar("_T")

Sources = Mapping[int, _S]


@dataclass(slots=True)
class EnumUsage:
    """Whether the supergraph uses an enum type as input (for arguments and input fields), as output, or as both."""

    as_input: bool = False
    as_output: bool = False


@dataclass(frozen=True, slots=True)
class Override:
    """The subgraphs in which one field is overridden.

    Attributes:
        used: Indices of the overridden subgraphs that still use the field, for example in a `@key` or `@requires`.
        unused: Indices of the overridden subgraphs that do not use the field.
        labels: Index of a subgraph → the `label` of the `@override`. If an `@override` has a label, the overriding and
            the overridden subgraph are both in this mapping.
    """

    used: set[int] = field(default_factory=set)
    unused: set[int] = field(default_factory=set)
    labels: dict[int, str] = field(default_factory=dict)

    def resolves(self, index: int) -> bool:
        """Return whether no `@override` overrides the field in the subgraph at `index`."""
        return index not in self.used and index not in self.unused

    def leaves_out(self, index: int) -> bool:
        """Return whether the field gets no `@join__field` for the subgraph at `index`.

        This is the case if the field is overridden without a label and the subgraph does not use the field.
        """
        return index in self.unused and index not in self.labels


NOT_OVERRIDDEN = Override()


@dataclass(slots=True)
class MergeState:
    """The subgraphs, the supergraph as merged so far, and the results that later merge steps use.

    Attributes:
        subgraphs: The subgraphs, sorted by name. The index of a subgraph is its index in this list.
        features: The directives and links of the supergraph.
        report: Collects errors and hints.
        supergraph: The merged schema.
        enum_usage: Name of an enum type → how the supergraph uses the enum.
        overrides: Coordinate of a field → the subgraphs in which the field is overridden.
        graph_names: The `join__Graph` value of each subgraph, in the order of `subgraphs`.
        subgraphs_with: Name of a type → indices of the subgraphs that have the type.
        with_interface_objects: Indices of the subgraphs that have `@interfaceObject` types.
    """

    subgraphs: list[SubgraphMetadata]
    features: SupergraphFeatures
    report: Report
    supergraph: Schema = field(default_factory=Schema)
    enum_usage: dict[str, EnumUsage] = field(default_factory=dict)
    overrides: dict[str, Override] = field(default_factory=dict)
    graph_names: list[str] = field(default_factory=list)
    subgraphs_with: dict[str, list[int]] = field(default_factory=dict)
    with_interface_objects: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.graph_names = graph_enum_values([subgraph.name for subgraph in self.subgraphs])
        for index, subgraph in enumerate(self.subgraphs):
            for name in subgraph.schema.types:
                self.subgraphs_with.setdefault(name, []).append(index)
            if any(each.is_interface_object for each in subgraph.schema.types.values()):
                self.with_interface_objects.append(index)

    def silent(self) -> MergeState:
        """Return a copy of this state with a new, empty report. Use the copy for trials whose errors are discarded."""
        trial = copy(self)
        trial.report = Report()
        return trial

    def type_sources(self, name: str) -> Sources[TypeDef]:
        """Return the declarations of the type `name` in all subgraphs that have the type."""
        return {index: self.subgraphs[index].schema.types[name] for index in self.subgraphs_with.get(name, ())}

    def names(self, indices: Iterable[int]) -> str:
        """Return the names of the subgraphs at `indices` as text for a message: `"a", "b" and "c"`."""
        quoted = [f'"{self.subgraphs[index].name}"' for index in indices]
        if len(quoted) < 2:  # noqa: PLR2004 - nothing to join
            return "".join(quoted)
        return f"{', '.join(quoted[:-1])} and {quoted[-1]}"

    def leaves_out(self, index: int, coordinate: str) -> bool:
        """Return whether the field `coordinate` gets no `@join__field` for the subgraph at `index`.

        See `Override.leaves_out`.
        """
        return self.overrides.get(coordinate, NOT_OVERRIDDEN).leaves_out(index)

    def places(self, sources: Sources[Element]) -> list[SourcePlace]:
        """Return the locations of declarations, as `Report` expects them."""
        return [(self.subgraphs[index].name, source.node) for index, source in sources.items()]

    def place(self, index: int, node: Node | None) -> SourcePlace:
        """Return the location of a syntax node in the subgraph at `index`, as `Report` expects it."""
        return (self.subgraphs[index].name, node)

    def interface_object_fields(self, member: FieldDef) -> list[tuple[int, FieldDef]]:
        """Return the fields of `@interfaceObject` types that can resolve the object field `member`.

        Example: for `Book.rating`, the result contains `Media.rating` if a subgraph has `type Media @interfaceObject`
        with this field, and `Book` implements `Media`. Each item is a pair: the index of a subgraph, and the field.
        """
        if not self.with_interface_objects:
            return []
        return [
            (index, each)
            for index in self.with_interface_objects
            for each in self.interface_object_fields_in(member, index)
        ]

    def interface_object_fields_in(self, member: FieldDef, index: int) -> list[FieldDef]:
        """Return the fields of `interface_object_fields` that are in the subgraph at `index`.

        If the subgraph has the object type of `member` itself, the result is empty.
        """
        parent = self.supergraph.types[member.parent]
        schema = self.subgraphs[index].schema
        if parent.name in schema.types:
            return []
        found = []
        for interface in self.subgraphs[index].interface_objects_for(parent):
            resolving = interface.fields.get(member.name)
            if resolving is not None:
                found.append(resolving)
        return found


def children(sources: Sources[_S], pick: Callable[[_S], dict[str, _T]]) -> dict[str, Sources[_T]]:
    """Group the declarations of nested elements, such as the fields of a type, by name.

    Args:
        sources: The declarations of the containing element, such as a type.
        pick: Returns the nested elements of one declaration by name, such as `lambda source: source.fields`.

    Returns:
        Name of a nested element → its declarations. Names are in the order of first appearance.
    """
    merged: dict[str, dict[int, _T]] = {}
    for index, source in sources.items():
        for name, part in pick(source).items():
            merged.setdefault(name, {})[index] = part
    return dict(merged)


def graph_enum_values(names: Sequence[str]) -> list[str]:
    """Convert subgraph names to `join__Graph` enum values, such as `my-books` to `MY_BOOKS` (composition §8.3)."""
    values = []
    for name in names:
        value = re.sub(r"[^A-Za-z0-9_]", "_", name)
        if value[:1].isdigit():
            value = f"_{value}"
        if re.search(r"_\d+$", value):
            value += "_"
        if value.startswith("__"):
            # A GraphQL name must not begin with two underscores, because such names are reserved for introspection.
            value = f"SUBGRAPH{value}"
        values.append(value.upper())
    totals, seen = Counter(values), Counter[str]()
    result = []
    for value in values:
        seen[value] += 1
        result.append(f"{value}_{seen[value]}" if totals[value] > 1 else value)
    return result
