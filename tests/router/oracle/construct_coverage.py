"""Counts the GraphQL and Federation constructs that generated federations and operations contain.

The oracle tests a construct only if it is generated. `CONSTRUCTS` lists them all; each is found by a pattern in the
texts, or by comparing the subgraphs.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from graphql import parse, print_ast

from tests.router.oracle.federation_model import INTERFACE_OBJECT_SUBGRAPHS
from tests.router.oracle.subgraph_rules import type_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.router.oracle.federation_generator import GeneratedFederation
    from tests.router.oracle.operation_generator import Operation

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
    "key that is not resolvable": r"resolvable: false",
    "shareable root field": r"^  q\d+.*@shareable",
    "shareable field of an entity": r"^  [fr]\d+.*@shareable",
    "type without a key in several subgraphs": r"^type W0",
    "type without a key behind an interface": r"^interface \w+.*\{(?:[^}]*\n)? *v: \W*W[01]\b",
    "mutation": r"^type Mutation",
    "field that returns Query": r"^  root: Query",
    "requires": r"@requires\(",
    "requires of several fields": r'@requires\(fields: "\w+ \w',
    "requires of a nested selection": r'@requires\(fields: "[^"]*\{',
    "requires of fields of another entity": r'@requires\(fields: "[^"]*\{ (id|sku|tags|k1 k2) [fi]\d',
    "requires with a fragment": r'@requires\(fields: "[^"]*\.\.\.',
    "requires with an argument": r'@requires\(fields: "[^"]*\(',
    "requires on a non-null field": r"^  r\d: String! @requires",
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
    "context on the query root": r"^type Query @context",
    "context on a union": r"^union.*@context",
    "context around a list": r"^  ctx.*: \[",
    "context around a list of lists": r"^  ctx.*: \[\[",
    "context of several types": r'@fromContext\(field: "\$\w+ \.\.\.',
    "context of a more distant ancestor": r"^  again",
    "contextual argument and an argument of the client": r"\(\w+: \w+, around",
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
    "executable directive": r"@note",
    "executable directive of the operation": r"^(query|mutation)(\([^{]*\))? @(note|mark)",
    "executable directive of a fragment": r"\.\.\.( on \w+)? @note",
    "executable directive of named fragments only": r"\.\.\.F\d+[^.{]*@mark",
    "executable directive of a fragment's definition": r"fragment F\d+ on \w+ @(note|mark)",
    "executable directive of a variable's definition": r"\$v\d+: [^,)]*@note",
    "executable directive with a variable": r"@note\(text: \$",
    "variable": r"\(\$v?\w+: ",
    "variable with a default": r"\$v\d+: [^,)]* = ",
    "null in an argument": r"\w: null",
    "input object": r": \{",
    "input object in an input object": r"deep: \{",
    "input object with a null": r"\{[^{}]*\w: null[^{}]*\}",
    "list in an argument": r": \[",
}


def _differ(subgraphs: Mapping[str, str], pattern: str) -> bool:
    """Whether subgraphs declare one element differently. The pattern has two groups: element and declaration."""
    declarations: dict[str, set[str]] = {}
    for sdl in subgraphs.values():
        for element, declaration in re.findall(pattern, sdl, re.MULTILINE):
            declarations.setdefault(element, set()).add(declaration)
    return any(len(different) > 1 for different in declarations.values())


def _field_types(subgraphs: Mapping[str, str]) -> Iterator[set[str]]:
    """The types of each field of an object type in the subgraphs that resolve it."""
    types: dict[tuple[str, str], set[str]] = {}
    for sdl in subgraphs.values():
        for node in type_nodes(parse(sdl, no_location=True).definitions):
            for field in node.fields or () if node.kind.startswith("object") else ():
                if all(directive.name.value != "external" for directive in field.directives or ()):
                    types.setdefault((node.name.value, field.name.value), set()).add(print_ast(field.type))
    yield from types.values()


def _requires_chain(generated: GeneratedFederation) -> bool:
    """Whether a field requires a field that has `@requires` itself."""
    required: dict[str, set[str]] = {}
    for sdl in generated.subgraphs.values():
        for name, text in re.findall(r'^  (\w+).*@requires\(fields: "([^"]*)"', sdl, re.MULTILINE):
            required.setdefault(name, set()).update(re.findall(r"\w+", text))
    return any(name in text for text in required.values() for name in required)


def _shared_interface_object(generated: GeneratedFederation) -> bool:
    names = Counter(name for sdl in generated.subgraphs.values() for name in _interface_objects(sdl))
    return any(times > 1 for times in names.values())


def _two_interface_objects(generated: GeneratedFederation) -> bool:
    return any(len(_interface_objects(sdl)) > 1 for sdl in generated.subgraphs.values())


def _two_interface_objects_of_one_entity(generated: GeneratedFederation) -> bool:
    implemented = [
        set(names.split(" & "))
        for sdl in generated.subgraphs.values()
        for names in re.findall(r"^type \w+ implements ([\w& ]+?) @", sdl, re.MULTILINE)
    ]
    objects = [set(_interface_objects(sdl)) for sdl in generated.subgraphs.values()]
    return any(len(names & one) > 1 for names in implemented for one in objects)


def _interface_objects(sdl: str) -> list[str]:
    return re.findall(r"^type (\w+) @interfaceObject", sdl, re.MULTILINE)


def _data(generated: GeneratedFederation) -> str:
    return repr(generated.datasets)


def _failing_dependencies(generated: GeneratedFederation) -> bool:
    required = re.findall(r'@requires\(fields: "([^"]*)"', "\n".join(generated.subgraphs.values()))
    names = {name for text in required for name in re.findall(r"\w+", text)}
    objects = (fields for data in generated.datasets for fields in data.values())
    return any(fields.get(name) == "!broken" for fields in objects for name in names)


_COMPARISONS: Final[dict[str, Callable[[GeneratedFederation], bool]]] = {
    "union with members of one subgraph": lambda generated: _differ(generated.subgraphs, r"^union (\w+)[^=]*= (.*)"),
    "interface with implementations of one subgraph": lambda generated: _differ(
        generated.subgraphs, r"^type (\w+) implements ([\w& ]+?) @"
    ),
    "key of one subgraph": lambda generated: _differ(generated.subgraphs, r"^type (E\d) .*?(@key.*)"),
    "field that is nullable in some subgraphs only": lambda generated: any(
        {type_, f"{type_}!"} <= types for types in _field_types(generated.subgraphs) for type_ in types
    ),
    "field of several types": lambda generated: any(
        len({type_.strip("[]!") for type_ in types}) > 1 for types in _field_types(generated.subgraphs)
    ),
    "chain of requires": _requires_chain,
    "key with different keys of an entity in it": lambda generated: _differ(
        generated.subgraphs, r'@key\(fields: "(ke) \{ (\w+)'
    ),
    "several contextual fields": lambda generated: any("  u(beside" in sdl for sdl in generated.subgraphs.values()),
    "several interface objects": lambda generated: {*INTERFACE_OBJECT_SUBGRAPHS} <= generated.subgraphs.keys(),
    "several interface objects in one subgraph": _two_interface_objects,
    "several interface objects of one entity in one subgraph": _two_interface_objects_of_one_entity,
    "interface object in several subgraphs": _shared_interface_object,
    "requires between interface objects": lambda generated: any(
        re.search(r"^  (o\d.*@requires\(.*\bp\d|p\d.*@requires\(.*\bo\d)", sdl, re.MULTILINE)
        for sdl in generated.subgraphs.values()
    ),
    "active override label": lambda generated: bool(generated.labels),
    "null": lambda generated: "None" in _data(generated),
    "null in a list": lambda generated: "[None" in _data(generated) or ", None]" in _data(generated),
    "null in a key": lambda generated: "'k1': None" in _data(generated),
    "null in an object of a key": lambda generated: "'deep': None" in _data(generated),
    "null in a list of a key": lambda generated: (
        re.search(r"'kl': \['@KV:[^']*', None\]", _data(generated)) is not None
    ),
    "resolver that fails": lambda generated: "!broken" in _data(generated),
    "resolver of a required field that fails": _failing_dependencies,
    "object that a subgraph does not have": lambda generated: "!absent" in _data(generated),
    "object of an inaccessible type": lambda generated: "'@H0:" in _data(generated),
    "inaccessible enum value": lambda generated: "'GOLD'" in _data(generated),
    "decimal number": lambda generated: "Decimal(" in _data(generated),
    "integer beyond 64 bits": lambda generated: str(2**80 + 1) in _data(generated),
}


CONSTRUCTS: Final = (*_SDL, *_OPERATION, *_COMPARISONS)


def constructs_in(generated: GeneratedFederation, operations: Sequence[Operation]) -> set[str]:
    """The constructs in a federation, its data and its operations."""
    found = {name for name, pattern in _SDL.items() if _occurs(pattern, generated.subgraphs.values())}
    found |= {name for name, pattern in _OPERATION.items() if _occurs(pattern, (one.query for one in operations))}
    return found | {name for name, holds in _COMPARISONS.items() if holds(generated)}


def _occurs(pattern: str, texts: Iterable[str]) -> bool:
    return any(re.search(pattern, text, re.MULTILINE) for text in texts)
