"""Find the elements of a merged schema that a contract hides.

The rules are the same as in Apollo's contracts:

- Each field of an object or interface type also has the tags of the type.
- An element with an excluded tag is hidden, even if the element also has an included tag.
- If the filter has included tags, each union, and each field of an object or interface, must have an included tag.
  Otherwise, it is hidden. For elements of other kinds, such as enums, input types and arguments, only excluded tags
  count.
- A field of an interface is hidden if a visible type that implements the interface has a hidden field of this name.
  Exception: if the interface's field has an included tag, the field stays visible, and the contract is reported as
  invalid.
- A type is hidden if all its fields, values or members are hidden. The query root is never hidden for this reason.
- With `hide_unreachable`, types that clients cannot reach are hidden (see `reachable_types`).
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
    """The tags that a contract includes and excludes. If `include` is empty, only excluded tags hide elements.

    With `hide_unreachable`, the contract also hides the types that clients cannot reach.
    """

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    hide_unreachable: bool = False

    def __post_init__(self) -> None:
        both = self.include & self.exclude
        if both:
            raise ValueError(f"a tag cannot be both included and excluded: {', '.join(sorted(both))}")

    def excludes(self, tags: frozenset[str]) -> bool:
        """Return whether the filter excludes at least one of the tags."""
        return not self.exclude.isdisjoint(tags)

    def includes(self, tags: frozenset[str]) -> bool:
        """Return whether the filter includes at least one of the tags."""
        return not self.include.isdisjoint(tags)

    def hides(self, tags: frozenset[str]) -> bool:
        """Return whether an element with these tags is hidden.

        This method is for unions, and for fields of objects and interfaces. For other elements, call `excludes`.
        """
        return self.excludes(tags) or (bool(self.include) and not self.includes(tags))


def tags_in_use(schema: Schema) -> frozenset[str]:
    """Return all tags in the schema."""
    return frozenset(tag for element in _elements(schema) for tag in _tags(element))


def apply(wanted: ContractFilter, schema: Schema) -> list[Element]:
    """Add `@inaccessible` to all elements that the contract hides. Returns the elements that got the directive.

    Elements that already had `@inaccessible` are not returned.
    """
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
    """Hide the type if its tags require this.

    If the type stays visible, hide each of its fields, arguments and values whose tags require this.
    """
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
    """Hide an interface field if a visible type implements the interface and the type's field is hidden.

    Fields with an included tag stay visible. Returns whether an interface field was hidden.
    """
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
    """Hide each type whose fields, values or members are all hidden. Returns whether a type was hidden."""
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
