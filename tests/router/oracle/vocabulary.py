"""What of federations and operations a run met, read from the texts and not from what drew them.

The oracle proves something about a construct only if it draws it: `ITEMS` are all of them, each found by a pattern or
by a comparison of what the subgraphs say.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from graphql import parse, print_ast

from tests.router.oracle.rules import type_nodes
from tests.router.oracle.world import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.router.oracle.federations import Generated
    from tests.router.oracle.operations import Operation

# Found in the SDL of one subgraph.
_SDL: Final = {
    "interface that implements an interface": r"^interface \w+ implements",
    "interface that implements several": r"^interface \w+ implements \w+ & ",
    "union": r"^union",
    "list of lists": r": \[\[",
    "list of lists of lists": r": \[\[\[",
    "list of lists of entities": r": \[\[E\d",
    "list of nullable items": r": \[\w+\]",
    "non-null field": r"^  f\d+.*: \w+!",
    "argument": r"^  \w+\(\w+: ",
    "argument with a default": r"^  \w+\([^)]*\w+: [\w!]+ = ",
    "argument of an input object": r"^  \w+\([^)]*o: Options",
    "argument of an input object with a default": r"^  \w+\([^)]*p: Options = ",
    "argument of a custom scalar": r"^  \w+\([^)]*m: Money",
    "custom scalar": r"^  \w+[^:]*: \[*Money",
    "inaccessible field": r"^  \w.*@inaccessible",
    "inaccessible type": r"^type \w.*@inaccessible",
    "key of several fields": r'@key\(fields: "k1 k2',
    "key with a nested object": r'@key\(fields: "k[vl] \{',
    "key with a list of scalars": r'@key\(fields: "tags',
    "key with a list of objects": r'@key\(fields: "kl \{',
    "several keys": r"@key.*@key",
    "key with an entity in it": r'@key\(fields: "ke \{',
    "key that cannot be resolved": r"resolvable: false",
    "shareable root field": r"^  q\d+.*@shareable",
    "shareable field of an entity": r"^  [fr]\d+.*@shareable",
    "type without a key over several subgraphs": r"^type W0",
    "mutation": r"^type Mutation",
    "field that leads to the query root": r"^  root: Query",
    "requires": r"@requires\(",
    "requires of several fields": r'@requires\(fields: "\w+ \w',
    "requires of a nested selection": r'@requires\(fields: "[^"]*\{',
    "requires of fields of another entity": r'@requires\(fields: "[^"]*\{ (id|sku|tags|k1 k2) [fi]\d',
    "requires with a fragment": r'@requires\(fields: "[^"]*\.\.\.',
    "requires with an argument": r'@requires\(fields: "[^"]*\(',
    "requires of a field that must not be null": r"^  r\d: String! @requires",
    "provides": r"@provides\(",
    "provides, nested": r'@provides\(fields: "\w+ \{',
    "provides behind a type condition": r'@provides\(fields: "\.\.\.',
    "provides, nested behind a type condition": r'@provides\(fields: "\.\.\. on \w+ \{ \w+ \{',
    "override": r"@override\(",
    "override with a label": r"@override\([^)]*label",
    "interface object": r"@interfaceObject @key",
    "field with requires on an interface object": r"^  o\d.*@requires",
    "field with an argument on an interface object": r"^  o\d\(",
    "object field on an interface object": r"^  o\d.*: \[?[EV]\d",
    "context": r"@context\(",
    "context on an interface": r"^interface.*@context",
    "context on a union": r"^union.*@context",
    "context around a list": r"^  ctx.*: \[",
    "context around a list of lists": r"^  ctx.*: \[\[",
    "context of several types": r'@fromContext\(field: "\$\w+ \.\.\.',
    "context of an ancestor further up": r"^  again",
    "contextual argument beside a client's": r"\(\w+: \w+, around",
    "several contextual arguments": r"around: .*beside: ",
    "Federation 1": r"\A(?!extend schema)",
    "extension of an entity": r"^extend type E\d",
    "external field of a key": r"^  (id|sku|k[12]|k[vle]|tags): .*@external",
}

# Found in the text of one operation.
_OPERATION: Final = {
    "query": r"^query",
    "mutation operation": r"^mutation",
    "several mutation fields": r"^mutation.*m\d.*m\d",
    "alias": r"\w+: \w+",
    "alias of a field's name": r"\b(id|f0): ",
    "__typename": r"__typename",
    "fragment": r"fragment F",
    "fragment used twice": r"\.\.\.(F\d+)\b.*\.\.\.\1\b",
    "fragment in a fragment": r"fragment F\d+ on \w+ \{.*\.\.\.F",
    "inline fragment": r"\.\.\. on",
    "inline fragment without a type": r"\.\.\. (@|\{)",
    "skip": r"@skip",
    "include": r"@include",
    "condition on a field": r"\w @(skip|include)",
    "condition on a fragment": r"\.\.\.F\d+[^.{]*@(skip|include)",
    "condition on an inline fragment": r"\.\.\. on \w+[^.{]*@(skip|include)",
    "condition without a variable": r"@(skip|include)\(if: (true|false)",
    "defer": r"@defer",
    "defer with a condition": r"@defer\([^)]*if:",
    "directive of the federation": r"@note",
    "variable": r"\(\$v?\w+: ",
    "variable with a default": r"\$v\d+: [^,)]* = ",
    "null in an argument": r"\w: null",
    "input object": r": \{",
    "input object in an input object": r"deep: \{",
    "input object with a null": r"\{[^{}]*\w: null[^{}]*\}",
    "list in an argument": r": \[",
}


def _unlike(subgraphs: Mapping[str, str], pattern: str) -> bool:
    """Whether subgraphs say different things of one: the pattern's groups are the thing and what is said."""
    said: dict[str, set[str]] = {}
    for sdl in subgraphs.values():
        for thing, what in re.findall(pattern, sdl, re.MULTILINE):
            said.setdefault(thing, set()).add(what)
    return any(len(whats) > 1 for whats in said.values())


def _field_types(subgraphs: Mapping[str, str]) -> Iterator[set[str]]:
    """For each field of an object type the types subgraphs give it that resolve it."""
    types: dict[tuple[str, str], set[str]] = {}
    for sdl in subgraphs.values():
        for node in type_nodes(parse(sdl, no_location=True).definitions):
            for own in node.fields or () if node.kind.startswith("object") else ():
                if all(directive.name.value != "external" for directive in own.directives or ()):
                    types.setdefault((node.name.value, own.name.value), set()).add(print_ast(own.type))
    yield from types.values()


def _requires_chain(generated: Generated) -> bool:
    """Whether a field requires a field that requires one in its turn."""
    required: dict[str, set[str]] = {}
    for sdl in generated.subgraphs.values():
        for name, text in re.findall(r'^  (\w+).*@requires\(fields: "([^"]*)"', sdl, re.MULTILINE):
            required.setdefault(name, set()).update(re.findall(r"\w+", text))
    return any(name in text for text in required.values() for name in required)


def _shared_interface_object(generated: Generated) -> bool:
    names = [re.findall(r"^type (\w+) @interfaceObject", sdl, re.MULTILINE) for sdl in generated.subgraphs.values()]
    return any(times > 1 for times in Counter(name for found in names for name in found).values())


def _data(generated: Generated) -> str:
    return repr(generated.datasets)


def _broken_inputs(generated: Generated) -> bool:
    required = re.findall(r'@requires\(fields: "([^"]*)"', "\n".join(generated.subgraphs.values()))
    names = {name for text in required for name in re.findall(r"\w+", text)}
    objects = (fields for data in generated.datasets for fields in data.values())
    return any(fields.get(name) == "!broken" for fields in objects for name in names)


_COMPARED: Final[dict[str, Callable[[Generated], bool]]] = {
    "union with members of one subgraph": lambda it: _unlike(it.subgraphs, r"^union (\w+)[^=]*= (.*)"),
    "interface with implementations of one subgraph": lambda it: _unlike(
        it.subgraphs, r"^type (\w+) implements ([\w& ]+?) @"
    ),
    "key of one subgraph": lambda it: _unlike(it.subgraphs, r"^type (E\d) .*?(@key.*)"),
    "field that is null for some subgraphs only": lambda it: any(
        {type_, f"{type_}!"} <= types for types in _field_types(it.subgraphs) for type_ in types
    ),
    "field of several types": lambda it: any(
        len({type_.strip("[]!") for type_ in types}) > 1 for types in _field_types(it.subgraphs)
    ),
    "chain of requires": _requires_chain,
    "key with an entity's other key in it": lambda it: _unlike(it.subgraphs, r'@key\(fields: "(ke) \{ (\w+)'),
    "several contextual fields": lambda it: any("  u(beside" in sdl for sdl in it.subgraphs.values()),
    "several interface objects": lambda it: {*STRANGERS} <= it.subgraphs.keys(),
    "interface object to several subgraphs": _shared_interface_object,
    "requires between interface objects": lambda it: any(
        re.search(r"^  (o\d.*@requires\(.*\bp\d|p\d.*@requires\(.*\bo\d)", sdl, re.MULTILINE)
        for sdl in it.subgraphs.values()
    ),
    "label that holds": lambda it: bool(it.labels),
    "null": lambda it: "None" in _data(it),
    "null in a list": lambda it: "[None" in _data(it) or ", None]" in _data(it),
    "null in a key": lambda it: "'k1': None" in _data(it),
    "null in an object of a key": lambda it: "'deep': None" in _data(it),
    "null in a list of a key": lambda it: re.search(r"'kl': \['@KV:[^']*', None\]", _data(it)) is not None,
    "resolver that throws": lambda it: "!broken" in _data(it),
    "resolver of a required field that throws": _broken_inputs,
    "object a subgraph does not know": lambda it: "!absent" in _data(it),
    "object of an inaccessible type": lambda it: "'@H0:" in _data(it),
    "inaccessible enum value": lambda it: "'GOLD'" in _data(it),
    "decimal number": lambda it: "Decimal(" in _data(it),
    "integer beyond 64 bits": lambda it: str(2**80 + 1) in _data(it),
}


ITEMS: Final = (*_SDL, *_OPERATION, *_COMPARED)


def items_of(generated: Generated, operations: Sequence[Operation]) -> set[str]:
    """The items that occur in a federation, its data or an operation on it."""
    found = {name for name, pattern in _SDL.items() if _occurs(pattern, generated.subgraphs.values())}
    found |= {name for name, pattern in _OPERATION.items() if _occurs(pattern, (one.query for one in operations))}
    return found | {name for name, holds in _COMPARED.items() if holds(generated)}


def _occurs(pattern: str, texts: Iterable[str]) -> bool:
    return any(re.search(pattern, text, re.MULTILINE) for text in texts)
