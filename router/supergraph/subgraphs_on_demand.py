"""The subgraphs of a supergraph, whose types are extracted when they are first used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from router.supergraph.subgraph_extraction import Extraction, subgraph_model
from router.supergraph.types_and_fields_by_subgraph import JoinedType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from graphql import DocumentNode, TypeDefinitionNode

    from router.supergraph.join_directives import JoinVocabulary
    from router.supergraph.model import SubgraphModel, SubgraphType
    from router.supergraph.stored_types import StoredType
    from router.supergraph.subgraph_extraction import Others

V = TypeVar("V")


class OnDemand(Mapping[str, V]):
    """A mapping whose keys are known, and whose values are made when they are first used, each of them once."""

    def __init__(self, names: Sequence[str], make: Callable[[str], V]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make
        self._made: dict[str, V] = {}
        self._lock = RLock()

    def __getitem__(self, name: str) -> V:
        made = self._made.get(name)
        if made is None:
            if name not in self._names:
                raise KeyError(name)
            with self._lock:
                made = self._made.get(name)
                if made is None:
                    made = self._made[name] = self._make(name)
        return made

    def get(self, name: str, default: V | None = None) -> V | None:  # type: ignore[override]  # of one form
        """Return the value of a key, or `default`. Many keys are asked for that do not exist, so this is quick."""
        return self[name] if name in self._names else default

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def subgraphs_on_demand(
    document: DocumentNode,
    others: Others,
    join: JoinVocabulary,
    types: Sequence[StoredType],
    definition: Callable[[str], TypeDefinitionNode],
) -> dict[str, SubgraphModel]:
    """Return the subgraphs (`extract_subgraphs`).

    Args:
        document: A document with the enum `join__Graph`.
        others: The definitions of the merged schema that do not define a type.
        join: The names of the join directives, not of join v0.1.
        types: The types of the merged schema.
        definition: Returns the definition of a type of the merged schema.
    """
    joined = OnDemand([each.name for each in types], lambda name: JoinedType.of(definition(name), join))
    implementers: dict[str, list[str]] = {}
    by_graph: dict[str, list[StoredType]] = {}
    for each in types:
        for interface in each.interfaces:
            implementers.setdefault(interface, []).append(each.name)
        for enum_value in each.graphs:
            by_graph.setdefault(enum_value, []).append(each)
    models = {}
    for graph in join.graphs(document):
        here = by_graph.get(graph.enum_value, [])
        present = OnDemand([each.name for each in here], joined.__getitem__)
        extraction = Extraction(graph, present, join, implementers)
        names = [each.name for each in here if each.is_composite]
        models[graph.name] = subgraph_model(graph, extraction, others, OnDemand(names, partial(_type, extraction)))
    return models


def _type(extraction: Extraction, name: str) -> SubgraphType:
    found = extraction.composite_type(name)
    if found is None:
        raise TypeError(f"{name} is not an object type, interface or union")
    return found
