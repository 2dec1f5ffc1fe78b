"""Writes the SDL of each subgraph of a generated federation, and of the merged schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import FieldNode, InlineFragmentNode

from tests.router.oracle.federation_model import (
    CONTEXT,
    INACCESSIBLE_COLOUR,
    KEY_ENTITY,
    KEY_OBJECT,
    KEY_PART,
    KEY_TYPES,
    LEAF_TYPES,
)
from tests.router.oracle.subgraph_rules import parse_field_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import SelectionSetNode

    from tests.router.oracle.federation_model import (
        AbstractType,
        Entity,
        FederationModel,
        Field,
        InterfaceObject,
        ValueType,
    )

LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.11", import: ["@key", "@shareable", "@external", '
    '"@requires", "@provides", "@override", "@interfaceObject", "@inaccessible", "@context", "@fromContext"])'
)
# The definitions that are the same in every subgraph, with and without inaccessible elements.
COMMON_DEFINITIONS = """
scalar Money
enum Colour { RED GREEN BLUE%(colour)s }
input Options { a: Int = 1, c: Colour, deep: Options, many: [[Int]], must: Int! = 3, m: Money%(field)s }
directive @note(text: String) on
  QUERY | MUTATION | FIELD | FRAGMENT_DEFINITION | FRAGMENT_SPREAD | INLINE_FRAGMENT | VARIABLE_DEFINITION
directive @mark(text: String) repeatable on FRAGMENT_DEFINITION | FRAGMENT_SPREAD | MUTATION
"""
SUBGRAPH_DEFINITIONS = COMMON_DEFINITIONS % {
    "colour": f" {INACCESSIBLE_COLOUR} @inaccessible",
    "field": ", secret: Int @inaccessible",
}
MONOLITH_DEFINITIONS = COMMON_DEFINITIONS % {"colour": "", "field": ""}
# Federation 1 has no `@inaccessible`; the directive in one of the other subgraphs applies.
FEDERATION_1_DEFINITIONS = COMMON_DEFINITIONS % {"colour": f" {INACCESSIBLE_COLOUR}", "field": ", secret: Int"}
KEY_FIELDS = ["id: ID!", "n: ID!", f"deep: {KEY_PART}"]
KEY_PART_FIELDS = ["x: ID!"]


def key_field_set(model: FederationModel, key: Iterable[str], subgraph: str) -> str:
    """The field set of a key in one subgraph. An entity in the key is selected by one of its keys there."""
    return " ".join(_key_part(model, name, subgraph) for name in key)


def _key_part(model: FederationModel, name: str, subgraph: str) -> str:
    if KEY_TYPES[name][0] == KEY_OBJECT:
        return f"{name} {{ id n deep {{ x }} }}"
    if KEY_TYPES[name][0] == KEY_ENTITY:
        entity = model.entities[KEY_ENTITY]
        return f"{name} {{ {' '.join(min(entity.keys_by_subgraph.get(subgraph, entity.keys)))} }}"
    return name


class SchemaWriter:
    """Writes SDL. `known` has the types that each subgraph defines."""

    def __init__(self, model: FederationModel) -> None:
        self.model = model
        self.field_set_fields: dict[str, set[tuple[str, str]]] = {
            name: set(self._fields_in_field_sets(name)) for name in model.all_subgraphs
        }
        self.known: dict[str, set[str]] = {name: self._known_types(name) for name in model.all_subgraphs}

    def sdls(self) -> dict[str, str]:
        """The SDL of each subgraph that resolves anything."""
        texts = {name: self._sdl(name) for name in self.model.subgraphs if self.has_content(name)}
        with_objects = [name for name in self.model.all_subgraphs if name not in self.model.subgraphs]
        return texts | {name: self._interface_objects_sdl(name) for name in with_objects}

    def external_fields(self, entity: Entity, subgraph: str) -> set[str]:
        """The fields that the subgraph does not resolve, but selects in `@requires` or `@provides`."""
        stub = () if subgraph in entity.keys_by_subgraph else entity.keys[0]
        return {
            name
            for typename, name in self.field_set_fields[subgraph]
            if typename == entity.name and subgraph not in entity.fields[name].owners and name not in stub
        }

    def _fields_in_field_sets(self, subgraph: str) -> Iterator[tuple[str, str]]:
        """The entity fields that the subgraph selects in `@requires` and `@provides`."""
        model = self.model
        for entity in model.entities.values():
            for field in entity.fields.values():
                if field.requires and subgraph in field.owners:
                    yield from self._selected_fields(parse_field_set(field.requires), entity.name)
        for field in model.all_fields():
            for typename, text in field.provides.get(subgraph, ()):
                yield from self._selected_fields(parse_field_set(text), typename)

    def _selected_fields(self, selection: SelectionSetNode, typename: str) -> Iterator[tuple[str, str]]:
        model = self.model
        for node in selection.selections:
            match node:
                case InlineFragmentNode(type_condition=condition, selection_set=inner):
                    yield from self._selected_fields(inner, condition.name.value if condition else typename)
                case FieldNode(name=name, selection_set=inner):
                    if typename in model.entities:
                        yield typename, name.value
                    if inner is not None and typename not in (KEY_OBJECT, KEY_PART):
                        yield from self._selected_fields(inner, model.fields_of(typename)[name.value].type_name)

    def _declared_fields(self, entity: Entity, subgraph: str) -> Iterator[Field]:
        external_fields = self.external_fields(entity, subgraph)
        for field in entity.fields.values():
            if subgraph in field.owners or field.name in external_fields or field.override_from == subgraph:
                yield field

    def _known_types(self, subgraph: str) -> set[str]:
        """The types that the subgraph must define."""
        model = self.model
        interface_objects = model.interface_objects_in(subgraph)
        pending = (
            [field.type_name for one in interface_objects for field in one.fields.values()]
            if interface_objects
            else self._start_types(subgraph)
        )
        known: set[str] = set()
        while pending:
            name = pending.pop()
            if name in known or name in LEAF_TYPES:
                continue
            known.add(name)
            pending += self._referenced_types(name, subgraph)
        return known

    def _start_types(self, subgraph: str) -> list[str]:
        model = self.model
        pending = [entity.name for entity in model.entities.values() if subgraph in entity.keys_by_subgraph]
        pending += [
            field.type_name for fields in model.roots.values() for field in fields.values() if subgraph in field.owners
        ]
        return pending + [
            interface_object.interface
            for interface_object in model.interface_objects
            if interface_object.host == subgraph
        ]

    def _referenced_types(self, name: str, subgraph: str) -> list[str]:
        model = self.model
        if name in model.entities:
            entity = model.entities[name]
            stub = [entity.fields[key].type_name for key in entity.keys[0]]
            return stub + [field.type_name for field in self._declared_fields(entity, subgraph)]
        if name in model.values:
            return [field.type_name for field in self._value_fields(model.values[name], subgraph)]
        if name in model.abstract:
            below = [other.name for other in model.abstract.values() if name in other.interfaces]
            return model.abstract[name].members_in(subgraph) + below + model.abstract[name].interfaces
        return [KEY_PART] if name == KEY_OBJECT else []

    def _value_fields(self, value: ValueType, subgraph: str) -> list[Field]:
        return [field for field in value.fields.values() if not field.owners or subgraph in field.owners]

    def _interface_fields(self, abstract: AbstractType, subgraph: str) -> list[str]:
        """The fields that the subgraph resolves for every member."""
        members = abstract.members_in(subgraph)
        return [name for name in abstract.fields if all(self._resolves(m, name, subgraph) for m in members)]

    def _resolves(self, member: str, name: str, subgraph: str) -> bool:
        if member in self.model.values or name == "id":
            return True
        return subgraph in self.model.entities[member].fields[name].owners

    def has_content(self, subgraph: str) -> bool:
        roots = [field for fields in self.model.roots.values() for field in fields.values()]
        return bool(self.known[subgraph]) or any(subgraph in field.owners for field in roots)

    def _sdl(self, subgraph: str) -> str:
        model, known = self.model, self.known[subgraph]
        is_federation_1 = subgraph == model.federation_1_subgraph
        parts = [FEDERATION_1_DEFINITIONS] if is_federation_1 else [LINK, SUBGRAPH_DEFINITIONS]
        for root, fields in model.roots.items():
            lines = [self._field(field, subgraph) for field in fields.values() if subgraph in field.owners]
            head = f"{'extend ' if is_federation_1 else ''}type {root}{self._context(root, subgraph)}"
            parts += [block(head, lines)] if lines else []
        parts += [self._entity(entity, subgraph) for entity in model.entities.values() if entity.name in known]
        parts += [self._value(value, subgraph) for value in model.values.values() if value.name in known]
        parts += _key_objects(known, "" if is_federation_1 else " @shareable")
        keyed = {(interface_object.interface, interface_object.host) for interface_object in model.interface_objects}
        for abstract in model.abstract.values():
            if abstract.name in known:
                names = self._interface_fields(abstract, subgraph)
                key = ' @key(fields: "id")' if (abstract.name, subgraph) in keyed else ""
                key += self._context(abstract.name, subgraph)
                parts.append(self._abstract(abstract, names, abstract.members_in(subgraph), key))
        return "\n".join(parts)

    def _context(self, name: str, subgraph: str) -> str:
        return f' @context(name: "{CONTEXT}")' if self.model.contexts.get(name) == subgraph else ""

    def _interfaces(self, type_: Entity | ValueType, subgraph: str) -> list[str]:
        return [
            name
            for name in type_.interfaces
            if name in self.known[subgraph] and type_.name in self.model.abstract[name].members_in(subgraph)
        ]

    def _value(self, value: ValueType, subgraph: str) -> str:
        lines = [field.signature for field in self._value_fields(value, subgraph)] or ["_unused: Int @inaccessible"]
        directives = "" if subgraph == self.model.federation_1_subgraph else " @shareable"
        directives += " @inaccessible" if value.name in self.model.inaccessible else ""
        context = self._context(value.name, subgraph)
        interfaces = implements(self._interfaces(value, subgraph))
        return block(f"type {value.name}{interfaces}{directives}{context}", lines)

    def _entity(self, entity: Entity, subgraph: str) -> str:
        own_keys = entity.keys_by_subgraph.get(subgraph)
        stub = entity.keys[0]
        is_federation_1 = subgraph == self.model.federation_1_subgraph
        resolvable = "" if own_keys or is_federation_1 else ", resolvable: false"
        texts = [key_field_set(self.model, key, subgraph) for key in sorted(own_keys or {stub})]
        keys = [f'@key(fields: "{text}"{resolvable})' for text in texts]
        declared = {field.name: self._field(field, subgraph) for field in self._declared_fields(entity, subgraph)}
        for name in () if own_keys else stub:
            declared[name] = entity.fields[name].signature
        for name in sorted(self.external_fields(entity, subgraph)):
            declared[name] = f"{entity.fields[name].signature} @external"
        extends = ""
        if is_federation_1 and any(entity.name in known for name, known in self.known.items() if name != subgraph):
            extends = "extend "
            for name in {name for key in own_keys or {stub} for name in key}:
                declared[name] = f"{entity.fields[name].signature} @external"
        context = self._context(entity.name, subgraph)
        head = f"{extends}type {entity.name}{implements(self._interfaces(entity, subgraph))} {' '.join(keys)}{context}"
        return block(head, declared.values())

    def _field(self, field: Field, subgraph: str) -> str:
        directives = [field.signature_in(subgraph)]
        if field.override_from == subgraph:
            return field.signature
        if subgraph != self.model.federation_1_subgraph and (len(field.owners) > 1 or field.is_provided):
            directives.append("@shareable")
        if field.requires:
            directives.append(f'@requires(fields: "{field.requires}")')
        if subgraph in field.provides:
            provided = [
                text if typename == field.type_name else f"... on {typename} {{ {text} }}"
                for typename, text in sorted(field.provides[subgraph])
            ]
            directives.append(f'@provides(fields: "{" ".join(provided)}")')
        if field.override_from:
            label = f', label: "{field.override_label}"' if field.override_label else ""
            directives.append(f'@override(from: "{field.override_from}"{label})')
        if field.is_inaccessible:
            directives.append("@inaccessible")
        return " ".join(directives)

    def _abstract(self, abstract: AbstractType, names: Iterable[str], members: list[str], directives: str = "") -> str:
        if not abstract.fields:
            return f"union {abstract.name}{directives} = {' | '.join(members)}"
        fields = self.model.fields_of(abstract.members[0])
        head = f"interface {abstract.name}{implements(abstract.interfaces)}{directives}"
        return block(head, [fields[name].signature for name in names])

    def _interface_objects_sdl(self, subgraph: str) -> str:
        model, known = self.model, self.known[subgraph]
        parts = [LINK, SUBGRAPH_DEFINITIONS]
        roots = [field for field in model.roots["Query"].values() if subgraph in field.owners]
        if roots:
            parts.append(block("type Query", [self._field(field, subgraph) for field in roots]))
        parts += [self._interface_object(one) for one in model.interface_objects_in(subgraph)]
        parts += [self._entity(entity, subgraph) for entity in model.entities.values() if entity.name in known]
        parts += [self._value(value, subgraph) for value in model.values.values() if value.name in known]
        return "\n".join((*parts, *_key_objects(known, " @shareable")))

    def _interface_object(self, interface_object: InterfaceObject) -> str:
        implementation = self.model.entities[self.model.abstract[interface_object.interface].members[0]]
        required = {name for field in interface_object.fields.values() for name in field.requires.split()}
        lines = ["id: ID!"]
        lines += [f"{implementation.fields[name].signature} @external" for name in sorted(required)]
        lines += [self._field(field, interface_object.subgraph) for field in interface_object.fields.values()]
        return block(f'type {interface_object.interface} @interfaceObject @key(fields: "id")', lines)

    def merged(self) -> str:
        """The merged schema, which is the schema of the monolith."""
        model = self.model
        known = set().union(*self.known.values())
        parts = [MONOLITH_DEFINITIONS]
        parts += [block(f"type {root}", [f.signature for f in fields.values()]) for root, fields in model.roots.items()]
        objects: list[Entity | ValueType] = [*model.entities.values(), *model.values.values()]
        for type_ in objects:
            if type_.name in known and type_.name not in model.inaccessible:
                interfaces = {
                    i for s in model.subgraphs if type_.name in self.known[s] for i in self._interfaces(type_, s)
                }
                lines = [field.signature for field in type_.fields.values() if not field.is_inaccessible]
                parts.append(block(f"type {type_.name}{implements(sorted(interfaces))}", lines))
        parts += _key_objects(known, "")
        for abstract in model.abstract.values():
            if abstract.name in known:
                parts.append(self._merged_abstract(abstract))
        return "\n".join(parts)

    def _merged_abstract(self, abstract: AbstractType) -> str:
        subgraphs = [subgraph for subgraph in self.model.subgraphs if abstract.name in self.known[subgraph]]
        declared = {name for subgraph in subgraphs for name in self._interface_fields(abstract, subgraph)}
        members = [
            member
            for member in abstract.members
            if any(member in abstract.members_in(subgraph) for subgraph in subgraphs)
            and member not in self.model.inaccessible
        ]
        names = [name for name in abstract.fields if name in declared]
        for interface_object in self.model.interface_objects:
            names += interface_object.fields if interface_object.interface == abstract.name else ()
        return self._abstract(abstract, names, members)


def _key_objects(known: set[str], directive: str) -> list[str]:
    objects = ((KEY_OBJECT, KEY_FIELDS), (KEY_PART, KEY_PART_FIELDS))
    return [block(f"type {name}{directive}", fields) for name, fields in objects if name in known]


def implements(names: Iterable[str]) -> str:
    names = list(names)
    return f" implements {' & '.join(names)}" if names else ""


def block(head: str, lines: Iterable[str]) -> str:
    return f"{head} {{\n" + "".join(f"  {line}\n" for line in lines) + "}"
