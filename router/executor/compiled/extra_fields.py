"""Find the fields that subgraphs send without being asked for them, so that generated code can expect them.

    { product { name } }   ->   {"product": {"name": "Pan", "upc": "1", "debug": {"ms": 3}}}

GraphQL does not allow such fields, but some servers send them in each response. Generated code accepts only fields
that it knows. So if responses have unknown fields, the plan is compiled again with the names of these fields. The
result must be that of the interpreter, which merges them into the response tree, where other fetches may read them:

- A field that the response tree does not have otherwise (`debug`) is decoded, so that malformed values are found, and
  dropped. If several fetches send it for the same objects, its value must be a leaf: lists and objects could conflict.
- A leaf field of an entity that another fetch returns (`upc`) must be a string that is equal to the known value.
- A `__typename` must be the only possible type.

All other extra fields stay unknown, and the interpreter executes the plan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from router import json_codec
from router.federation.find_type_name_in_reference import TYPENAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from router.executor.compiled.fetch_shapes import StepShape
    from router.executor.compiled.request_graph import Planned
    from router.executor.compiled.response_shape import FieldShape, ObjectShape

MOST_FIELDS: Final = 100
"""The number of extra fields that one plan can have. Each takes memory in each decoded object."""

LONGEST_NAME: Final = 100
"""An extra field with a longer name stays unknown."""

RESPONSE: Final = -1
"""Stands for the object around `data`, in place of the number of a shape."""

DATA: Final = -2
"""Stands for the object around `_entities`, in place of the number of a shape."""

_ENTITIES: Final = "_entities"
_RESPONSE_KEYS: Final = frozenset({"data", "errors", "extensions"})


class ExtraField(NamedTuple):
    """A field that the response to the fetch `fetch` has in the objects of the shape with this number."""

    fetch: int
    shape: int
    name: str


class Attribute(NamedTuple):
    """An attribute of a generated class: its name, the field that it is decoded from, and its type with the default."""

    name: str
    key: str
    type: str


@dataclass(frozen=True, slots=True)
class ExtraFields:
    """The extra fields of one plan."""

    found: frozenset[ExtraField] = frozenset()

    def names(self, fetches: Iterable[int], shape: int) -> list[str]:
        """Return the names of the extra fields that the fetches send in objects of a shape, sorted."""
        wanted = {*fetches}
        return sorted({one.name for one in self.found if one.fetch in wanted and one.shape == shape})

    def around(self, fetches: Iterable[int], shape: int) -> list[Attribute]:
        """Return the attributes for the extra fields around the fetched objects: `RESPONSE` or `DATA`."""
        return [_dropped(number, name) for number, name in enumerate(self.names(fetches, shape))]

    def of_objects(self, shape: ObjectShape, fetch: int) -> list[Attribute]:
        """Return the attributes for the extra fields of objects of a shape, in the response to a fetch."""
        senders = Counter(one.name for one in self.found if one.shape == shape.number)
        attributes = []
        for number, name in enumerate(self.names([fetch], shape.number)):
            if name == TYPENAME:
                if name not in shape.fields and _has_one_type(shape):
                    attributes.append(Attribute("typename_", name, f"Literal[{shape.types[0]!r}] = {shape.types[0]!r}"))
            elif name not in shape.fields:
                attributes.append(_dropped(number, name, is_leaf=senders[name] > 1))
        return attributes

    def of_entities(self, step: StepShape) -> list[Attribute]:
        """Return the attributes for the extra fields of the entities of a fetch, or of the root."""
        known = [Attribute(one.attribute, one.key, "str | UnsetType = UNSET") for one in self.repeated(step)]
        return [*known, *self.of_objects(step.target, step.fetch.id)]

    def repeated(self, step: StepShape) -> list[FieldShape]:
        """Return the leaf fields that an entity has although another fetch returns them."""
        fields = step.target.fields
        names = self.names([step.fetch.id], step.target.number)
        return [fields[name] for name in names if name in fields and fields[name].child is None]


def _dropped(number: int, name: str, *, is_leaf: bool = False) -> Attribute:
    return Attribute(f"extra{number}_", name, "DroppedLeaf = DROPPED_LEAF" if is_leaf else "Dropped = DROPPED")


def _has_one_type(shape: ObjectShape) -> bool:
    return len(shape.types) == 1 and not shape.is_abstract and not shape.interfaces


def find_extra_fields(
    requests: Sequence[Planned], steps: Mapping[int, StepShape], responses: Iterable[tuple[tuple[int, ...], bytes]]
) -> ExtraFields:
    """Return the extra fields in `responses`: the ids of the fetches, and the body of the response."""
    groups = {group[0].fetch.id: [steps[one.fetch.id] for one in group] for each in requests for group in each.groups}
    found: set[ExtraField] = set()
    for fetches, body in responses:
        for field in _in_response([groups[fetch] for fetch in fetches if fetch in groups], body):
            if len(found) < MOST_FIELDS and len(field.name) <= LONGEST_NAME:
                found.add(field)
    return ExtraFields(frozenset(found))


def _in_response(groups: Sequence[Sequence[StepShape]], body: bytes) -> Iterator[ExtraField]:
    try:
        response = json_codec.decode(body)
    except ValueError:
        return
    if not isinstance(response, dict) or not isinstance(response.get("data"), dict):
        return
    data = response["data"]
    keys = [_ENTITIES if len(groups) == 1 or first.step.part is None else first.step.part.alias for first, *_ in groups]
    for (first, *others), key in zip(groups, keys, strict=True):
        yield from (ExtraField(first.fetch.id, RESPONSE, name) for name in response.keys() - _RESPONSE_KEYS)
        if first.fetch.requires:
            yield from (ExtraField(first.fetch.id, DATA, name) for name in data.keys() - {*keys})
        for step in (first, *others):
            # The keys of a fetch with renamed keys are not looked at: a new name could be that of another field.
            if not step.fetch.output_rewrites:
                yield from _in_value(step, step.target, step.brought, data.get(key) if step.fetch.requires else data)


def _in_value(
    step: StepShape, shape: ObjectShape, known: Mapping[str, FieldShape], value: object
) -> Iterator[ExtraField]:
    """Find extra fields in an object of a shape, in lists of such objects, and in all objects below."""
    if isinstance(value, list):
        for item in value:
            yield from _in_value(step, shape, known, item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in known:
                yield ExtraField(step.fetch.id, shape.number, key)
            elif (child := known[key].child) is not None:
                yield from _in_value(step, child, _brought(step, child), inner)


def _brought(step: StepShape, shape: ObjectShape) -> dict[str, FieldShape]:
    return {key: field for key, field in shape.fields.items() if field.brought_by(step.fetch.id, shape.types)}
