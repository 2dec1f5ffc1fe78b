"""Federations of any size that compose: a chain of subgraphs that each extend the entities of the one before."""

from __future__ import annotations

from router.composition import Subgraph

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", '
    'import: ["@key", "@shareable", "@requires", "@external", "@tag"])'
)
# Of ten types of a subgraph, four are its own entities and four are those of its neighbour; the rest are value types,
# inputs and enums.
_ENTITIES_IN_TEN = 4


def federation(subgraphs: int, types: int) -> list[Subgraph]:
    """A federation of this many subgraphs with this many types each."""
    entities = types * _ENTITIES_IN_TEN // 10
    return [
        Subgraph(f"s{number:03}", f"http://s{number:03}.test/graphql", _sdl(number, subgraphs, types, entities))
        for number in range(subgraphs)
    ]


def total_fields(federation_: list[Subgraph]) -> int:
    """The number of lines that declare a field: the size that the time is divided by."""
    return sum(line.startswith("  ") for subgraph in federation_ for line in subgraph.sdl.splitlines())


def _sdl(number: int, subgraphs: int, types: int, entities: int) -> str:
    neighbour = (number - 1) % subgraphs
    blocks = [LINK, *_query(number, entities)]
    blocks += [_entity(number, index, entities) for index in range(entities)]
    if neighbour != number:
        blocks += [_addition(number, neighbour, index) for index in range(entities)]
    blocks += [_other(number, index) for index in range(types - 2 * entities)]
    return "\n".join(blocks) + "\n"


def _query(number: int, entities: int) -> list[str]:
    fields = [f"  s{number}e{index}(id: ID!, filter: S{number}I2): S{number}E{index}" for index in range(entities)]
    return ["type Query {", *fields, "  ping: String @shareable", "}"]


def _entity(number: int, index: int, entities: int) -> str:
    name = f"S{number}E{index}"
    return f"""type {name} @key(fields: "id") {{
  id: ID!
  name: String @tag(name: "public")
  weight: Float
  state: S{number}N1
  detail: S{number}V0
  next: S{number}E{(index + 1) % entities}
  all(first: Int = 10): [{name}!]!
}}"""


def _addition(number: int, neighbour: int, index: int) -> str:
    return f"""type S{neighbour}E{index} @key(fields: "id") {{
  id: ID!
  weight: Float @external
  price{number}: Int @requires(fields: "weight")
  owner{number}: S{number}E{index}
}}"""


def _other(number: int, index: int) -> str:
    kind = index % 3
    if kind == 0:
        return f"type S{number}V{index} {{\n  a: Int\n  b: String\n  c: [Float!]\n}}"
    if kind == 1:
        return f"enum S{number}N{index} {{\n  ON\n  OFF\n  NEW\n}}"
    return f"input S{number}I{index} {{\n  a: Int = 1\n  b: [String!]\n  state: S{number}N1\n}}"
