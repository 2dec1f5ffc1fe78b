"""Find the fields of a subgraph that are external, provided, shareable or used.

Each of these properties depends on several directives. For each subgraph, a property is computed once. The result is a
set of field coordinates, such as `Account.owner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from router.composition.context_directives import context_selections
from router.composition.fields_of_field_set import selected, target_fields, with_implementations
from router.composition.model import Applied, FieldDef, Kind, SubgraphSchema, TypeDef
from router.composition.type_refs import base_name


@dataclass
class SubgraphMetadata:
    """A subgraph and the properties of its fields.

    Each property is computed when it is read for the first time. If you change the schema later, call `settle` before
    the change. Otherwise, some properties would describe the old schema, and others the changed schema.
    """

    schema: SubgraphSchema

    @property
    def name(self) -> str:
        """Return the subgraph's name."""
        return self.schema.name

    def settle(self) -> tuple[frozenset[str], ...]:
        """Compute all properties now, so that later changes of the schema do not affect the properties."""
        return (self.fake_external, self.external, self.provided, self.shareable, self.used)

    @cached_property
    def fake_external(self) -> frozenset[str]:
        """Return the fields with `@external` that a key of a type extension selects.

        The subgraph resolves these fields, but Federation 1 requires `@external` on them. So these fields do not count
        as external.
        """
        found: set[str] = set()
        for definition in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for key in definition.keys:
                if key.in_extension or definition.has("extends"):
                    for member, _ in target_fields(self.schema, definition.name, key):
                        if member.has("external"):
                            found.add(member.coordinate)
        return frozenset(found)

    @cached_property
    def external(self) -> frozenset[str]:
        """Return the fields that have `@external`, or whose object type has `@external`.

        The fields in `fake_external` are left out.
        """
        marked = set()
        for definition in self.schema.types.values():
            # Federation 1 ignores `@external` on types.
            on_types = self.schema.is_federation_2 and definition.kind is Kind.OBJECT
            whole_type = on_types and definition.has("external")
            for member in definition.fields.values():
                if whole_type or (member.directives and member.has("external")):
                    marked.add(member.coordinate)
        return frozenset(marked - self.fake_external)

    @cached_property
    def provided(self) -> frozenset[str]:
        """Return the external fields that a `@provides` selects. The subgraph resolves them below this `@provides`."""
        return self.schema.still_provided | self._provided_by_directives

    @cached_property
    def _provided_by_directives(self) -> frozenset[str]:
        found: set[str] = set()
        for _, member in self.schema.fields():
            for provides in member.applied("provides"):
                for target, _leaf in target_fields(self.schema, base_name(member.type), provides):
                    for each in with_implementations(self.schema, target):
                        if each.coordinate in self.external:
                            found.add(each.coordinate)
        return frozenset(found)

    @cached_property
    def shareable(self) -> frozenset[str]:
        """Return the fields that other subgraphs may resolve too.

        A field is shareable in each of these cases:

        - A key selects the field.
        - The field is external, and a `@provides` selects the field.
        - The field has `@shareable`.
        - The field is in the definition of the type, and the definition has `@shareable`.
        - The field is in an extension of the type, and one of the extensions has `@shareable`.
        """
        found = set(self._provided_by_directives)
        for definition in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE):
            for key in definition.keys:
                for target, _leaf in target_fields(self.schema, definition.name, key):
                    found.update(each.coordinate for each in with_implementations(self.schema, target))
            blocks = {applied.in_extension for applied in definition.applied("shareable")}
            for member in definition.fields.values():
                if member.has("shareable") or member.in_extension in blocks:
                    found.add(member.coordinate)
        return frozenset(found)

    @cached_property
    def used(self) -> frozenset[str]:
        """Return the fields that a `@key`, `@requires`, `@provides` or `@fromContext` selects.

        If a field implements a field of an interface, it counts as used too.
        """
        found = set(self.schema.still_used)
        for type_name, applied in self.field_set_uses():
            for target, _leaf in target_fields(self.schema, type_name, applied):
                found.update(each.coordinate for each in with_implementations(self.schema, target))
        for type_name, selections in context_selections(self.schema):
            for target, _leaf in selected(self.schema, type_name, selections):
                found.update(each.coordinate for each in with_implementations(self.schema, target))
        for interface in self.schema.of_kind(Kind.INTERFACE):
            for name in self.schema.possible_types(interface.name):
                implementing = self.schema.types[name]
                found.update(f"{name}.{member}" for member in interface.fields if member in implementing.fields)
        return frozenset(found)

    def field_set_uses(self) -> list[tuple[str, Applied]]:
        """Return `(type name, directive)` for each `@key`, `@requires` and `@provides`.

        The field set of the directive selects fields of the named type.
        """
        uses = [
            (definition.name, key)
            for definition in self.schema.of_kind(Kind.OBJECT, Kind.INTERFACE)
            for key in definition.keys
        ]
        for _, member in self.schema.fields():
            uses += [(member.parent, applied) for applied in member.applied("requires")]
            uses += [(base_name(member.type), applied) for applied in member.applied("provides")]
        return uses

    def is_external(self, member: FieldDef) -> bool:
        """Return whether the field is external."""
        return member.coordinate in self.external

    def is_fully_external(self, member: FieldDef) -> bool:
        """Return whether the field is external and no `@provides` selects it."""
        return member.coordinate in self.external and member.coordinate not in self.provided

    def is_shareable(self, member: FieldDef) -> bool:
        """Return whether other subgraphs may resolve the field too."""
        return member.coordinate in self.shareable

    def is_used(self, member: FieldDef) -> bool:
        """Return whether a directive or an interface uses the field (see `used`)."""
        return member.coordinate in self.used

    def interface_objects_for(self, definition: TypeDef) -> list[TypeDef]:
        """Return the `@interfaceObject` types of this subgraph for the interfaces that `definition` implements.

        `definition` is a type of the supergraph. Example: `Book` implements `Media`, and this subgraph has
        `type Media @interfaceObject`. For `Book`, the result contains this type `Media`.
        """
        found = []
        for name in definition.interfaces:
            own = self.schema.types.get(name)
            if own is not None and own.is_interface_object:
                found.append(own)
        return found
