"""Random data for a world: what each subgraph that resolves a field can say, nulls and failures included."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.router.oracle.store import ABSENT
from tests.router.oracle.world import COLOURS, KEY_ENTITY, KEY_OBJECT, KEY_PART, KEY_TYPES, SECRET_COLOUR, STRANGERS

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from tests.router.oracle.store import Data
    from tests.router.oracle.world import Entity, Field, World

# Often enough to be met, rare enough for data to be seen.
NULLS = 0.15
FAILURES = 0.05
ABSENCES = 0.3
BREAKING_INPUTS = 0.3
# What JSON can say and a binary float cannot, and what is no number at all.
MONEY: tuple[object, ...] = (2**80 + 1, Decimal("1.10"), Decimal("12345678901234567890.01"), {"cents": 110}, "1,10")


class Filling:
    """Data for a world; everything follows from the source of randomness."""

    def __init__(self, world: World, source: random.Random) -> None:
        self.world = world
        self.random = source
        self.breaks = source.random() < 0.5
        self.breaks_inputs = source.random() < BREAKING_INPUTS
        self.names = {
            name: [f"{name}:{index}" for index in range(source.randint(1, 4))]
            for name in [*world.entities, *world.values]
        }
        if KEY_ENTITY in world.entities:
            keyed = [entity.name for entity in world.entities.values() if "ke" in entity.fields]
            self.names[KEY_ENTITY] = [f"{KEY_ENTITY}:{object_}" for name in keyed for object_ in self.names[name]]

    def data(self) -> Data:
        data: Data = {"Query": self._fields(self.world.roots["Query"].values(), "Query")}
        for name, objects in self.names.items():
            for object_ in objects:
                data[object_] = self._fields(self.world.fields_of(name).values(), object_)
                if name in self.world.entities:
                    deep = None if self.random.random() < NULLS else f"@{KEY_PART}:{object_}"
                    data[f"{KEY_OBJECT}:{object_}"] = {"id": f"kv-{name}", "n": object_, "deep": deep}
                    data[f"{KEY_PART}:{object_}"] = {"x": f"x-{name}"}
        for entity in self.world.entities.values():
            for object_ in self.names[entity.name]:
                self._forget(entity, data[object_])
        if "Mutation" in self.world.roots:
            data["Mutation"] = {own.name: self._mutation(own, data) for own in self.world.roots["Mutation"].values()}
        return data

    def _forget(self, entity: Entity, fields: dict[str, object]) -> None:
        """Sometimes a subgraph does not know an object others have; what only it could say is null then.

        Not where it would be missed: as the way to a third subgraph or to the entity in a key, as one of two who can
        say something, by a field that is computed or must not be null.
        """
        if entity.name == KEY_ENTITY or entity.is_key("ke"):
            return
        if len(entity.keys) > 1 or entity.interfaces or len(entity.homes) == 1 or self.random.random() > ABSENCES:
            return
        home = self.random.choice(sorted(entity.homes))
        own = [f for f in entity.fields.values() if home in {*f.owners, f.override_from} and not entity.is_key(f.name)]
        if all(
            len(f.owners) == 1 and not f.override_label and not f.requires and not f.wrapping.endswith("!") for f in own
        ):
            fields.update({f.name: None for f in own}, **{ABSENT: [home]})

    def _mutation(self, own: Field, data: Data) -> dict[str, object]:
        targets = [
            (object_, other.name)
            for entity in self.world.entities.values()
            for other in entity.fields.values()
            if other.type == "Int"
            for object_ in self.names[entity.name]
            if ABSENT not in data[object_]
        ]
        target = list(self.random.choice(targets)) if targets else None
        return {"set": target, "return": f"@{self.random.choice(self.names[own.named])}"}

    def _fields(self, fields: Iterable[Field], object_: str) -> dict[str, object]:
        return {own.name: self._broken(own) or self._value(own, own.wrapping, object_) for own in fields}

    def _broken(self, own: Field) -> str:
        """A resolver that throws.

        A shared field throws only where each owner may answer null. What another field requires throws only where the
        null stays where it is: a client who did not ask for it must not lose more.
        """
        if not self.breaks or own.name in KEY_TYPES or own.varied or self.random.random() >= FAILURES:
            return ""
        is_contained = self.breaks_inputs and not own.wrapping.endswith("!")
        return "!broken" if not own.is_input or is_contained else ""

    def _value(self, own: Field, wrapping: str, object_: str) -> object:
        if own.name in KEY_TYPES:
            return self._key(own.name, object_)
        nullable = not wrapping.endswith("!") and not (own.varied and wrapping == own.wrapping)
        if nullable and self.random.random() < NULLS:
            return None
        inner = wrapping.removesuffix("!")
        if inner.startswith("["):
            return [self._value(own, inner[1:-1], object_) for _ in range(self.random.randint(0, 3))]
        return self._one(own, object_)

    def _key(self, name: str, object_: str) -> object:
        """Every object's own, save for the part of a key of several fields that need not be."""
        value = f"{name}-{object_}"
        match name:
            case "kv":
                return f"@{KEY_OBJECT}:{object_}"
            case "ke":
                return f"@{KEY_ENTITY}:{object_}"
            case "kl":
                others = [None] if self.random.random() < NULLS else []
                return [f"@{KEY_OBJECT}:{object_}", *others]
            case "tags":
                return [value, "tag"][: self.random.randint(1, 2)]
            case "k1":
                return None if self.random.random() < NULLS else f"k1-{self.random.randint(0, 1)}"
            case _:
                return value

    def _one(self, own: Field, object_: str) -> object:
        number = self.random.randint(0, 9)
        leaves = {
            "Int": number,
            "Float": number + 0.5,
            "Boolean": number % 2 == 0,
            "Colour": (*COLOURS, *COLOURS, *COLOURS, SECRET_COLOUR)[number],
            "Money": MONEY[number % len(MONEY)],
            "String": f"{own.name}-{object_}-{number}",
            "ID": f"{own.name}-{object_}-{number}",
        }
        if own.named in leaves:
            return leaves[own.named]
        if own.named == "Query":
            return "@Query"
        owners = own.owners.difference(STRANGERS) or set(self.world.subgraphs)
        if own.override_label:
            # Unless the label holds, it is the other subgraph that answers.
            owners = owners | {own.override_from}
        return f"@{self.random.choice(self.names[self.random.choice(self.world.allowed(own, owners))])}"
