"""The elements of a merged schema that a contract hides.

The rules are those of Apollo's contracts:

- A tag on an object or interface type counts for all its fields.
- An element with an excluded tag is hidden, whatever other tags it has.
- If tags are included, unions and the fields of objects and interfaces are hidden unless they have one of them. Enums,
  input types, scalars and arguments are hidden only by exclusion.
- A field of an interface is hidden if a visible type hides its implementation, unless it has an included tag. Then the
  contract is reported as invalid.
- A type without visible parts is hidden; the query root never is.
- If the filter asks for it, types that clients cannot reach are hidden (see `reachability`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.contracts.reachable_types import reachable_types
from router.composition.model import Applied, Kind, TypeDef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.composition.model import Element, FieldDef, Schema

_WITH_FIELDS = frozenset({Kind.OBJECT, Kind.INTERFACE})


@dataclass(frozen=True, slots=True)
class ContractFilter:
    """The tags that a contract shows and hides. Without `include`, everything that is not excluded is shown."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    hide_unreachable: bool = False

    def __post_init__(self) -> None:
        both = self.include & self.exclude
        if both:
            raise ValueError(f"a tag cannot be both included and excluded: {', '.join(sorted(both))}")

    def excludes(self, tags: frozenset[str]) -> bool:
        """Whether an excluded tag is among these."""
        return not self.exclude.isdisjoint(tags)

    def includes(self, tags: frozenset[str]) -> bool:
        """Whether an included tag is among these."""
        return not self.include.isdisjoint(tags)

    def hides(self, tags: frozenset[str]) -> bool:
        """Whether an element is hidden that must have an included tag to be shown."""
        return self.excludes(tags) or (bool(self.include) and not self.includes(tags))


def tags_in_use(schema: Schema) -> frozenset[str]:
    """All tags in the schema."""
    return frozenset(tag for element in _elements(schema) for tag in _tags(element))


def apply(wanted: ContractFilter, schema: Schema) -> list[Element]:
    """Mark in the schema what the contract hides; return the elements that were not `@inaccessible` before."""
    before = {id(element) for element in _elements(schema) if _hidden(element)}
    for definition in schema.types.values():
        _match(wanted, definition)
    while _hide_unimplemented(wanted, schema) or _hide_empty(schema):
        pass
    if wanted.hide_unreachable:
        kept = (name for name, definition in schema.types.items() if wanted.includes(_tags(definition)))
        reached = reachable_types(schema, kept)
        for name, definition in schema.types.items():
            if name not in reached:
                _hide(definition)
    return [element for element in _elements(schema) if _hidden(element) and id(element) not in before]


def _elements(schema: Schema) -> Iterator[Element]:
    for definition in schema.types.values():
        yield definition
        for member in definition.fields.values():
            yield member
            yield from member.arguments.values()
        yield from definition.inputs.values()
        yield from definition.values.values()


def _tags(element: Element) -> frozenset[str]:
    return frozenset(name for applied in element.applied("tag") if (name := applied.text("name")) is not None)


def _hidden(element: Element) -> bool:
    return element.has("inaccessible")


def _hide(element: Element) -> None:
    if not _hidden(element):
        element.directives.append(Applied("inaccessible", {}, "inaccessible"))


def _match(wanted: ContractFilter, definition: TypeDef) -> None:
    """Hide what the tags themselves exclude."""
    tags = _tags(definition)
    hides = wanted.hides if definition.kind is Kind.UNION else wanted.excludes
    if hides(tags):
        _hide(definition)
        return
    for member in definition.fields.values():
        if wanted.hides(tags | _tags(member)):
            _hide(member)
        _exclude(wanted, member.arguments.values())
    _exclude(wanted, definition.inputs.values())
    _exclude(wanted, definition.values.values())


def _exclude(wanted: ContractFilter, elements: Iterable[Element]) -> None:
    for element in elements:
        if wanted.excludes(_tags(element)):
            _hide(element)


def _hide_unimplemented(wanted: ContractFilter, schema: Schema) -> bool:
    """Hide interface fields that a visible implementation no longer has; return whether there were any."""
    broken = [
        inherited
        for definition in schema.types.values()
        if not _hidden(definition)
        for member in definition.fields.values()
        if _hidden(member)
        for inherited in _implemented_fields(schema, definition, member)
        if not _hidden(inherited) and not wanted.includes(_tags(inherited) | _tags(schema.types[inherited.parent]))
    ]
    for inherited in broken:
        _hide(inherited)
    return bool(broken)


def _implemented_fields(schema: Schema, definition: TypeDef, member: FieldDef) -> Iterator[FieldDef]:
    for name in definition.interfaces:
        interface = schema.types[name]
        if not _hidden(interface) and member.name in interface.fields:
            yield interface.fields[member.name]


def _hide_empty(schema: Schema) -> bool:
    """Hide types without visible parts; return whether there were any."""
    empty = [
        definition
        for definition in schema.types.values()
        if definition.name != "Query" and not _hidden(definition) and _is_empty(schema, definition)
    ]
    for definition in empty:
        _hide(definition)
    return bool(empty)


def _is_empty(schema: Schema, definition: TypeDef) -> bool:
    parts: list[Element] = [
        *definition.fields.values(),
        *definition.inputs.values(),
        *definition.values.values(),
        *(schema.types[name] for name in definition.members),
    ]
    return bool(parts) and all(map(_hidden, parts))
