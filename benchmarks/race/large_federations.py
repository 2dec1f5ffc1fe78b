"""Federations with many subgraphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.composition import federations
from benchmarks.race.federation import ExecutableSubgraph, Federation, Object

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])'


@dataclass(frozen=True, slots=True)
class _Items:
    """A part of each item: one field, or the list of all items."""

    number: int

    def root(self, _kind: str) -> Object:
        return {"items": lambda _info, first: [{"id": f"i{each}", "name": f"Item {each}"} for each in range(first)]}

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        return {
            "__typename": "Item",
            "id": representation["id"],
            f"part{self.number}": f"part {self.number} of {representation['id']}",
        }


def fan_out(subgraphs: int) -> Federation:
    """One subgraph has a list of items. Each of the others has one more field of these items."""
    first = ExecutableSubgraph(
        "items0",
        f"{_LINK}\ntype Query {{ items(first: Int!): [Item!]! }}\n"
        'type Item @key(fields: "id") { id: ID! name: String }\n',
        _Items(0),
    )
    others = [
        ExecutableSubgraph(
            f"items{number}",
            f'{_LINK}\ntype Item @key(fields: "id") {{ id: ID! part{number}: String }}\n',
            _Items(number),
        )
        for number in range(1, subgraphs)
    ]
    return Federation.of(f"items in {subgraphs} subgraphs", [first, *others])


class _Constants:
    """Each root field has the same object."""

    def root(self, _kind: str) -> Object:
        return _Root()

    def entity(self, representation: Mapping[str, Any]) -> Object | None:
        return {"__typename": representation["__typename"], "id": representation["id"], "name": "one"}


class _Root(dict[str, Any]):
    """An object whose missing fields are an object with an id and a name."""

    def get(self, key: str, default: object = None) -> object:
        return super().get(key, default) or {"id": "1", "name": "one", "weight": 1.5}


def chain(subgraphs: int, types: int) -> Federation:
    """A federation with so many types in each subgraph, most of which no request needs."""
    parts = federations.federation(subgraphs, types)
    return Federation.of(
        f"{subgraphs} subgraphs of {types} types",
        [ExecutableSubgraph(each.name, each.sdl, _Constants()) for each in parts],
    )
