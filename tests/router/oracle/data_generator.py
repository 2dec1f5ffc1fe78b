"""Generates data for a federation, with nulls and resolvers that fail. All owners can resolve each value."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.router.oracle.data_store import ABSENT
from tests.router.oracle.federation_model import (
    COLOURS,
    INACCESSIBLE_COLOUR,
    INTERFACE_OBJECT_SUBGRAPHS,
    KEY_ENTITY,
    KEY_OBJECT,
    KEY_PART,
    KEY_TYPES,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from tests.router.oracle.data_store import Data
    from tests.router.oracle.federation_model import Entity, FederationModel, Field

# High enough to occur in every run, low enough to leave most values present.
NULL_RATE = 0.15
FAILURE_RATE = 0.05
ABSENCE_RATE = 0.3
DEPENDENCY_FAILURE_RATE = 0.3
MOST_OBJECTS = 4
# Numbers that JSON can represent and a binary float cannot, and values that are not numbers.
MONEY: tuple[object, ...] = (2**80 + 1, Decimal("1.10"), Decimal("12345678901234567890.01"), {"cents": 110}, "1,10")


class DataGenerator:
    """Generates data from a source of randomness; the same state of the source gives the same data.

    Each type has one to `most_objects` objects.
    """

    def __init__(self, model: FederationModel, source: random.Random, most_objects: int = MOST_OBJECTS) -> None:
        self.model = model
        self.random = source
        self.has_failures = source.random() < 0.5
        self.has_dependency_failures = source.random() < DEPENDENCY_FAILURE_RATE
        self.names = {
            name: [f"{name}:{index}" for index in range(source.randint(1, most_objects))]
            for name in [*model.entities, *model.values]
        }
        if KEY_ENTITY in model.entities:
            keyed = [entity.name for entity in model.entities.values() if "ke" in entity.fields]
            self.names[KEY_ENTITY] = [f"{KEY_ENTITY}:{object_}" for name in keyed for object_ in self.names[name]]

    def data(self) -> Data:
        data: Data = {"Query": self._fields(self.model.roots["Query"].values(), "Query")}
        for name, objects in self.names.items():
            for object_ in objects:
                data[object_] = self._fields(self.model.fields_of(name).values(), object_)
                if name in self.model.entities:
                    deep = None if self.random.random() < NULL_RATE else f"@{KEY_PART}:{object_}"
                    data[f"{KEY_OBJECT}:{object_}"] = {"id": f"kv-{name}", "n": object_, "deep": deep}
                    data[f"{KEY_PART}:{object_}"] = {"x": f"x-{name}"}
        for entity in self.model.entities.values():
            for object_ in self.names[entity.name]:
                self._remove_from_subgraph(entity, data[object_])
        if "Mutation" in self.model.roots:
            data["Mutation"] = {
                field.name: self._mutation(field, data) for field in self.model.roots["Mutation"].values()
            }
        return data

    def _remove_from_subgraph(self, entity: Entity, fields: dict[str, object]) -> None:
        """Sometimes remove an object from one subgraph. The fields that only this subgraph resolves become null.

        Objects stay where other fields would be lost too: where the subgraph connects others by its keys, where fields
        have several owners or an override label, and where fields have `@requires` or are non-null.
        """
        if entity.name == KEY_ENTITY or entity.is_key("ke"):
            return
        if (
            len(entity.keys) > 1
            or entity.interfaces
            or len(entity.keys_by_subgraph) == 1
            or self.random.random() > ABSENCE_RATE
        ):
            return
        subgraph = self.random.choice(sorted(entity.keys_by_subgraph))
        lost = [
            f for f in entity.fields.values() if subgraph in {*f.owners, f.override_from} and not entity.is_key(f.name)
        ]
        if all(
            len(f.owners) == 1 and not f.override_label and not f.requires and not f.wrapping.endswith("!")
            for f in lost
        ):
            fields.update({f.name: None for f in lost}, **{ABSENT: [subgraph]})

    def _mutation(self, field: Field, data: Data) -> dict[str, object]:
        targets = [
            (object_, other.name)
            for entity in self.model.entities.values()
            for other in entity.fields.values()
            if other.type == "Int"
            for object_ in self.names[entity.name]
            if ABSENT not in data[object_]
        ]
        target = list(self.random.choice(targets)) if targets else None
        return {"set": target, "return": f"@{self.random.choice(self.names[field.type_name])}"}

    def _fields(self, fields: Iterable[Field], object_: str) -> dict[str, object]:
        return {field.name: self._failure(field) or self._value(field, field.wrapping, object_) for field in fields}

    def _failure(self, field: Field) -> str:
        """The marker of a resolver that fails, or an empty string.

        No field fails that is non-null for some of its owners only. A field that others depend on fails only if it is
        nullable: its null must not propagate to a client that did not select it.
        """
        if (
            not self.has_failures
            or field.name in KEY_TYPES
            or field.types_by_owner
            or self.random.random() >= FAILURE_RATE
        ):
            return ""
        may_fail = self.has_dependency_failures and not field.wrapping.endswith("!")
        return "!broken" if not field.is_dependency or may_fail else ""

    def _value(self, field: Field, wrapping: str, object_: str) -> object:
        if field.name in KEY_TYPES:
            return self._key_value(field.name, object_)
        nullable = not wrapping.endswith("!") and not (field.types_by_owner and wrapping == field.wrapping)
        if nullable and self.random.random() < NULL_RATE:
            return None
        inner = wrapping.removesuffix("!")
        if inner.startswith("["):
            return [self._value(field, inner[1:-1], object_) for _ in range(self.random.randint(0, 3))]
        return self._single_value(field, object_)

    def _key_value(self, name: str, object_: str) -> object:
        """A value that no other object has, except for one field of the composite key."""
        value = f"{name}-{object_}"
        match name:
            case "kv":
                return f"@{KEY_OBJECT}:{object_}"
            case "ke":
                return f"@{KEY_ENTITY}:{object_}"
            case "kl":
                others = [None] if self.random.random() < NULL_RATE else []
                return [f"@{KEY_OBJECT}:{object_}", *others]
            case "tags":
                return [value, "tag"][: self.random.randint(1, 2)]
            case "k1":
                return None if self.random.random() < NULL_RATE else f"k1-{self.random.randint(0, 1)}"
            case _:
                return value

    def _single_value(self, field: Field, object_: str) -> object:
        number = self.random.randint(0, 9)
        leaves = {
            "Int": number,
            "Float": number + 0.5,
            "Boolean": number % 2 == 0,
            "Colour": (*COLOURS, *COLOURS, *COLOURS, INACCESSIBLE_COLOUR)[number],
            "Money": MONEY[number % len(MONEY)],
            "String": f"{field.name}-{object_}-{number}",
            "ID": f"{field.name}-{object_}-{number}",
        }
        if field.type_name in leaves:
            return leaves[field.type_name]
        if field.type_name == "Query":
            return "@Query"
        owners = field.owners.difference(INTERFACE_OBJECT_SUBGRAPHS) or set(self.model.subgraphs)
        if field.override_label:
            # While the label is not active, the other subgraph resolves the field.
            owners = owners | {field.override_from}
        return f"@{self.random.choice(self.names[self.random.choice(self.model.possible_object_types(field, owners))])}"
