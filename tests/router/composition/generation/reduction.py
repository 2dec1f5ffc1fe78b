"""Make a failing set of subgraphs small: remove everything that the failure does not need.

Works on syntax trees, so that what remains can be read: whole subgraphs first, then definitions, members, arguments,
directives and imports, one by one, until nothing more can go.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from graphql import DocumentNode, GraphQLError, Node, parse, print_ast

from tests.router.composition.generation.mutations import edited, nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router.composition import Subgraph

# From the outside in: outer items contain most of the document.
_LISTS = ("definitions", "fields", "values", "types", "interfaces", "directives", "arguments")


def reduced(
    subgraphs: Sequence[Subgraph], fails: Callable[[Sequence[Subgraph]], bool], *, attempts: int = 1500
) -> list[Subgraph]:
    """Find a smaller set that still fails, in at most so many attempts."""
    best = list(subgraphs)
    left = attempts
    progress = True
    while progress and left > 0:
        progress = False
        for candidate in _smaller(best):
            left -= 1
            if left <= 0:
                break
            if fails(candidate):
                best, progress = candidate, True
                break
    return best


def _smaller(subgraphs: list[Subgraph]) -> Iterator[list[Subgraph]]:
    for index in range(len(subgraphs) - 1, -1, -1):
        if len(subgraphs) > 1:
            yield [*subgraphs[:index], *subgraphs[index + 1 :]]
    for index, subgraph in enumerate(subgraphs):
        try:
            document = parse(subgraph.sdl, no_location=True)
        except GraphQLError:
            continue
        for smaller in _without_one(document):
            yield [*subgraphs[:index], replace(subgraph, sdl=print_ast(smaller) + "\n"), *subgraphs[index + 1 :]]


def _without_one(document: DocumentNode) -> Iterator[Node]:
    tree = list(nodes(document))
    for key in _LISTS:
        for node in tree:
            items = getattr(node, key, None) or ()
            if len(items) > 1 and key != "definitions":
                for half in (items[: len(items) // 2], items[len(items) // 2 :]):
                    yield edited(document, node, {key: half})
            for index in range(len(items)):
                yield edited(document, node, {key: (*items[:index], *items[index + 1 :])})
    for node in tree:
        for key in ("description", "default_value"):
            if getattr(node, key, None) is not None:
                yield edited(document, node, {key: None})
