"""Operations and supergraphs made to make planning slow."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from router.composition import Subgraph, compose
from router.supergraph import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.supergraph import Supergraph

LINK = """
extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.11"
  import: ["@key", "@shareable", "@external", "@requires", "@interfaceObject"]
)
"""


def supergraph(subgraphs: Mapping[str, str]) -> Supergraph:
    composition = compose([Subgraph(name, f"http://{name}", LINK + sdl) for name, sdl in subgraphs.items()])
    assert composition.supergraph_sdl is not None, composition.errors
    return load(composition.supergraph_sdl)


def shareable(fields: int, owners: int) -> tuple[Supergraph, str]:
    """Every field in some of twelve subgraphs, each in others."""
    drawn = random.Random(1)
    owned = [drawn.sample(range(12), owners) for _ in range(fields)]
    subgraphs = {"root": 'type Query { p: P } type P @key(fields: "id") { id: ID! }'}
    for number in range(12):
        own = [f"f{one}: Int @shareable" for one in range(fields) if number in owned[one]]
        subgraphs[f"s{number}"] = f'type P @key(fields: "id") {{ id: ID! {" ".join(own)} }}'
    return supergraph(subgraphs), f"{{ p {{ {' '.join(f'f{one}' for one in range(fields))} }} }}"


def shared_values(owners: int, depth: int) -> tuple[Supergraph, str]:
    """A value type that leads to itself in two ways, resolved by all, with one field for each subgraph."""
    subgraphs = {
        f"s{number}": f"""
          type Query {{ v: V @shareable }}
          type V @shareable {{ left: V right: V all: Int own{number}: Int }}
        """
        for number in range(owners)
    }
    leaves = " ".join(f"own{number}" for number in range(owners))
    selection = f"{{ all {leaves} }}"
    for _ in range(depth):
        selection = f"{{ all {leaves} left {selection} right {selection} }}"
    return supergraph(subgraphs), f"{{ v {selection} }}"


def abstract(types: int, depth: int) -> tuple[Supergraph, str]:
    """Fragments for each type, nested so that the number of ways through them is a power of the depth."""
    names = [f"T{number}" for number in range(types)]
    first = [f'type {name} implements N @key(fields: "id") {{ id: ID! next: N }}' for name in names]
    second = [f'type {name} @key(fields: "id") {{ id: ID! own{name}: Int }}' for name in names]
    subgraphs = {
        "a": f"type Query {{ n: N }} interface N {{ id: ID! next: N }} {' '.join(first)}",
        "b": " ".join(second),
    }
    fragments = []
    for level in range(depth):
        below = f"next {{ ...F{level + 1} }}" if level + 1 < depth else "id"
        each = [f"... on {name} {{ own{name} {below} }}" for name in names]
        fragments.append(f"fragment F{level} on N {{ {' '.join(each)} }}")
    return supergraph(subgraphs), " ".join(["{ n { ...F0 } }", *fragments])


def requires_web(size: int) -> tuple[Supergraph, str]:
    """Each subgraph's field requires those of all the others before it."""
    subgraphs = {}
    for number in range(size):
        before = [f"v{one}" for one in range(number)]
        external = " ".join(f"{name}: Int @external" for name in before)
        requires = f'@requires(fields: "{" ".join(before)}")' if before else "  "
        root = "type Query { p: P }" if number == 0 else ""
        subgraphs[f"s{number}"] = f'{root} type P @key(fields: "id") {{ id: ID! {external} v{number}: Int {requires} }}'
    return supergraph(subgraphs), f"{{ p {{ v{size - 1} }} }}"


def aliases(count: int) -> tuple[Supergraph, str]:
    """One field of an object under many aliases, each with its own argument."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        "b": 'type P @key(fields: "id") { id: ID! f(x: Int): Int }',
    }
    return supergraph(subgraphs), f"{{ p {{ {' '.join(f'a{one}: f(x: {one})' for one in range(count))} }} }}"


def root_fields(count: int) -> tuple[Supergraph, str]:
    """One root field under many aliases, each with its own fetch behind it."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    return supergraph(subgraphs), f"{{ {' '.join(f'a{one}: p {{ f }}' for one in range(count))} }}"


def mutation_fields(count: int) -> tuple[Supergraph, str]:
    """Mutations one after the other, each with its own fetch behind it."""
    subgraphs = {
        "a": 'type Query { p: P } type Mutation { p: P } type P @key(fields: "id") { id: ID! }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    return supergraph(subgraphs), f"mutation {{ {' '.join(f'a{one}: p {{ f }}' for one in range(count))} }}"


def mergeable(count: int) -> tuple[Supergraph, str]:
    """Objects for each of which a subgraph is entered in three ways that one fetch can be made of."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        "width": 'type P @key(fields: "id") { id: ID! w: Int }',
        "height": 'type P @key(fields: "id") { id: ID! h: Int }',
        "stock": """
          type P @key(fields: "id") {
            id: ID! n: Int
            w: Int @external fitsThrough: Int @requires(fields: "w")
            h: Int @external fitsUnder: Int @requires(fields: "h")
          }
        """,
    }
    fields = " ".join(f"a{one}: p {{ n fitsThrough fitsUnder }}" for one in range(count))
    return supergraph(subgraphs), f"{{ {fields} }}"


def conditions(count: int) -> tuple[Supergraph, str]:
    """Fields of one object, each under its own condition."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    variables = ", ".join(f"$v{one}: Boolean!" for one in range(count))
    fields = " ".join(f"a{one}: f @include(if: $v{one})" for one in range(count))
    return supergraph(subgraphs), f"query ({variables}) {{ p {{ {fields} }} }}"


def deferred(count: int) -> tuple[Supergraph, str]:
    """Deferred parts beside each other, each with its own fetch."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    parts = " ".join(f"a{one}: p {{ ... @defer {{ f }} }}" for one in range(count))
    return supergraph(subgraphs), f"{{ {parts} }}"


def ping_pong(size: int) -> tuple[Supergraph, str]:
    """Two subgraphs, each field of which requires one of the other."""
    first, second = "p0: Int", ""
    for one in range(size):
        second += f'p{one}: Int @external q{one}: Int @requires(fields: "p{one}") '
        first += f' q{one}: Int @external p{one + 1}: Int @requires(fields: "q{one}")'
    subgraphs = {
        "a": f'type Query {{ p: P }} type P @key(fields: "id") {{ id: ID! {first} }}',
        "b": f'type P @key(fields: "id") {{ id: ID! {second} }}',
    }
    return supergraph(subgraphs), f"{{ p {{ p{size} }} }}"


def nested_fragments(depth: int) -> tuple[Supergraph, str]:
    """Objects in objects, deeper than they could be written without fragments."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! next: P }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    fragments = [f"fragment F{level} on P {{ f next {{ ...F{level + 1} }} }}" for level in range(depth)]
    return supergraph(subgraphs), " ".join(["{ p { ...F0 } }", *fragments, f"fragment F{depth} on P {{ f }}"])


def deep_shared_objects(owners: int, depth: int) -> tuple[Supergraph, str]:
    """An entity that leads to itself in two ways, all of it resolved by all, with one field for each subgraph."""
    subgraphs = {
        f"s{number}": f"""
          type Query {{ p: P @shareable }}
          type P @key(fields: "id") {{ id: ID! left: P @shareable right: P @shareable own{number}: Int }}
        """
        for number in range(owners)
    }
    leaves = " ".join(f"own{number}" for number in range(owners))
    selection = f"{{ {leaves} }}"
    for _ in range(depth):
        selection = f"{{ {leaves} left {selection} right {{ own0 }} }}"
    return supergraph(subgraphs), f"{{ p {selection} }}"


def many_keys(owners: int, keys: int) -> tuple[Supergraph, str]:
    """Entities that every subgraph can be asked for by every key, and that lead to each other."""
    key = " ".join(f'@key(fields: "k{number}")' for number in range(keys))
    fields = " ".join(f"k{number}: ID!" for number in range(keys))
    subgraphs = {
        f"s{number}": f"type Query {{ p: P @shareable }} type P {key} {{ {fields} own{number}: Int to{number}: P }}"
        for number in range(owners)
    }
    leaves = " ".join(f"own{number}" for number in range(owners))
    return supergraph(subgraphs), f"{{ p {{ {' '.join(f'to{number} {{ {leaves} }}' for number in range(owners))} }} }}"


def keys_in_keys(owners: int) -> tuple[Supergraph, str]:
    """Entities with keys in objects that can be entered by keys in objects, and a plain key each."""
    subgraphs = {"root": 'type Query { p: P } type P @key(fields: "k0") { k0: ID! next: P @shareable }'}
    for number in range(owners):
        first, second, third = (f"k{(number + step) % owners}" for step in range(3))
        subgraphs[f"s{number}"] = f"""
          type P
            @key(fields: "{first}") @key(fields: "next {{ {second} }}") @key(fields: "next {{ next {{ {third} }} }}")
          {{ {first}: ID! {second}: ID! {third}: ID! next: P @shareable own{number}: Int also{number}: Int }}
        """
    leaves = " ".join(f"own{number} next {{ also{number} }}" for number in range(owners))
    return supergraph(subgraphs), f"{{ p {{ {leaves} }} }}"


def keys_in_keys_only(owners: int) -> tuple[Supergraph, str]:
    """Entities that can be entered by the key of the object after them alone, which must be entered for it."""
    subgraphs = {"root": 'type Query { p: P } type P @key(fields: "k0") { k0: ID! next: P @shareable }'}
    for number in range(1, owners):
        known = [f"k{one}" for one in (number - 1, number - 2) if one >= 0]
        keys = " ".join(f'@key(fields: "next {{ {key} }}")' for key in known)
        fields = " ".join(f"{key}: ID! @shareable" for key in (*known, f"k{number}"))
        subgraphs[f"s{number}"] = f"type P {keys} {{ next: P @shareable {fields} own{number}: Int }}"
    return supergraph(subgraphs), f"{{ p {{ {' '.join(f'own{number}' for number in range(1, owners))} }} }}"


def requires_further_on(size: int) -> tuple[Supergraph, str]:
    """Each subgraph's field requires those of all the others before it, of the next object."""
    subgraphs = {"root": 'type Query { p: P } type P @key(fields: "id") { id: ID! next: P }'}
    for number in range(size):
        before = [f"v{one}" for one in range(number)]
        external = " ".join(["next: P @external", *(f"{name}: Int @external" for name in before)] if before else [])
        requires = f'@requires(fields: "next {{ {" ".join(before)} }}")' if before else ""
        subgraphs[f"s{number}"] = f'type P @key(fields: "id") {{ id: ID! {external} v{number}: Int {requires} }}'
    return supergraph(subgraphs), f"{{ p {{ v{size - 1} }} }}"


def wide_union(members: int) -> tuple[Supergraph, str]:
    """A union of many types, each with a field of another subgraph."""
    names = [f"T{number}" for number in range(members)]
    first = " ".join(f'type {name} @key(fields: "id") {{ id: ID! }}' for name in names)
    second = " ".join(f'type {name} @key(fields: "id") {{ id: ID! own{name}: Int }}' for name in names)
    graph = supergraph({"a": f"type Query {{ u: [U] }} union U = {' | '.join(names)} {first}", "b": second})
    return graph, f"{{ u {{ {' '.join(f'... on {name} {{ own{name} }}' for name in names)} }} }}"


def wide_interface(types: int) -> tuple[Supergraph, str]:
    """An interface of many types that another subgraph knows as an object; only some want a field that may not fail."""
    names = [f"T{number}" for number in range(types)]
    own = " ".join(f'type {name} implements I @key(fields: "id") {{ id: ID! own{name}: Int }}' for name in names)
    subgraphs = {
        "a": f'type Query {{ u: [I] }} interface I @key(fields: "id") {{ id: ID! }} {own}',
        "b": 'type I @interfaceObject @key(fields: "id") { id: ID! v: Int w: Int! }',
    }
    return supergraph(
        subgraphs
    ), f"{{ u {{ v {' '.join(f'... on {name} {{ own{name} w }}' for name in names[::2])} }} }}"


def spreads(count: int) -> tuple[Supergraph, str]:
    """One fragment, spread again and again."""
    subgraphs = {
        "a": 'type Query { p: P } type P @key(fields: "id") { id: ID! next: P }',
        "b": 'type P @key(fields: "id") { id: ID! f: Int }',
    }
    return supergraph(subgraphs), f"{{ p {{ {'...F ' * count}}} }} fragment F on P {{ id next {{ f next {{ f }} }} }}"


# Operations that can be made any size; planning them is to take work in proportion.
GROWING: dict[str, Callable[[int], tuple[Supergraph, str]]] = {
    "aliases": aliases,
    "root fields": root_fields,
    "mutation fields": mutation_fields,
    "mergeable fetches": mergeable,
    "deferred parts": deferred,
    "conditions": conditions,
    "spreads": spreads,
}


def nested_keys(owners: int, depth: int) -> tuple[Supergraph, str]:
    """Two keys in each subgraph, one of them with a key of the object below, which is as hard to reach, and so on."""
    subgraphs = {}
    for one in range(owners):
        other = (one + 1) % owners
        types = []
        for level in range(depth):
            is_last = level == depth - 1
            key = f"x{one}" if is_last else f"x{one} next {{ x{one} }}"
            below = "" if is_last else f"next: T{level + 1} @shareable"
            own = f"x{one}: ID! @shareable x{other}: ID! @shareable v{one}: Int"
            types.append(f'type T{level} @key(fields: "{key}") @key(fields: "x{other}") {{ {own} {below} }}')
        subgraphs[f"s{one}"] = ("type Query { t: T0 }" if one == 0 else "") + " ".join(types)
    leaves = " ".join(f"v{one}" for one in range(owners))
    selection = f"{{ {leaves} }}"
    for _ in range(depth - 1):
        selection = f"{{ {leaves} next {selection} }}"
    return supergraph(subgraphs), f"{{ t {selection} }}"


CASES: dict[str, Callable[[], tuple[Supergraph, str]]] = {
    "every field everywhere": lambda: shareable(60, 12),
    "every field in three of twelve": lambda: shareable(60, 3),
    "every field in five of twelve": lambda: shareable(100, 5),
    "shared values in all of six": lambda: shared_values(6, 4),
    "fragments through four types eight deep": lambda: abstract(4, 8),
    "requires of everything before": lambda: requires_web(10),
    "a thousand aliases": lambda: aliases(1000),
    "a thousand root fields with a fetch behind each": lambda: root_fields(1000),
    "two hundred objects with three fetches of one subgraph": lambda: mergeable(200),
    "three hundred mutations with a fetch behind each": lambda: mutation_fields(300),
    "four hundred fields under a condition each": lambda: conditions(400),
    "two hundred deferred parts": lambda: deferred(200),
    "objects twelve deep in all of eight": lambda: deep_shared_objects(8, 12),
    "seven keys in each of seven": lambda: many_keys(7, 7),
    "keys nested five deep in each of eight": lambda: nested_keys(8, 5),
    "keys in keys in keys": lambda: keys_in_keys(7),
    "nothing but keys in keys in keys": lambda: keys_in_keys_only(6),
    "requires of everything before, seven objects further on": lambda: requires_further_on(8),
    "a union of five hundred types": lambda: wide_union(500),
    "an interface of three hundred types": lambda: wide_interface(300),
    "a thousand spreads of one fragment": lambda: spreads(1000),
    "requirements that go forth and back forty times": lambda: ping_pong(20),
}
