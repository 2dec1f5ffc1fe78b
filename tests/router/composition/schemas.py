"""Build the values that composition passes between its phases from short SDL texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.composition import Composition, Subgraph, compose
from router.composition.drop_impossible_type_conditions import drop_impossible_conditions
from router.composition.external_provided_and_shareable_fields import SubgraphMetadata
from router.composition.merge.merge_steps import merge
from router.composition.model import FieldDef, Kind, SubgraphSchema, TypeDef
from router.composition.reading.read_subgraph import read_subgraph
from router.composition.report import Report

if TYPE_CHECKING:
    from router.composition.merge.merge_state import MergeState

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@requires", "@provides",'
    ' "@external", "@shareable", "@override", "@tag", "@inaccessible", "@interfaceObject", "@authenticated",'
    ' "@requiresScopes", "@policy", "@context", "@fromContext", "@cost", "@listSize", "@extends"])\n'
)


def read(sdl: str, name: str = "a", *, federation_2: bool = True) -> SubgraphSchema:
    """Read one subgraph that must be correct."""
    report = Report()
    schema = read_subgraph(Subgraph(name, f"http://{name}.test", (LINK if federation_2 else "") + sdl), report)
    assert schema is not None, report.errors
    return schema


def metadata(sdl: str, name: str = "a") -> SubgraphMetadata:
    return SubgraphMetadata(read(sdl, name))


def merged(*sdls: str) -> MergeState:
    """Merge subgraphs with the names a, b, c, ..."""
    subgraphs = [metadata(sdl, name) for sdl, name in zip(sdls, "abcdef", strict=False)]
    for subgraph in subgraphs:
        subgraph.schema.types.setdefault("Query", TypeDef("Query", kind=Kind.OBJECT))
        drop_impossible_conditions(subgraph)
    return merge(subgraphs, Report())


def composed(*sdls: str) -> Composition:
    return compose(Subgraph(name, f"http://{name}.test", LINK + sdl) for sdl, name in zip(sdls, "abcdef", strict=False))


def codes(report: Report) -> list[str]:
    return [*(error.code for error in report.errors), *(hint.code for hint in report.hints)]


def field(schema: SubgraphSchema, coordinate: str) -> FieldDef:
    type_name, _, name = coordinate.partition(".")
    return schema.types[type_name].fields[name]
