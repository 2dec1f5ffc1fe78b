"""Define the base classes, types and exceptions that generated code uses."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from router.executor.graphql.leaf_coercion import MAX_INT, MIN_INT
from router.json_codec import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Misfit(Exception):
    """A response does not have the form that the generated code expects. The interpreter executes the plan instead."""


class Decoded(Struct, gc=False, forbid_unknown_fields=True):
    """An object into which a part of a response is decoded.

    If the response has an unknown field, decoding fails, and the interpreter executes the plan instead. Otherwise, the
    field would be lost, although the interpreter may use it. If this happens often, the plan is compiled again with the
    unknown fields (`extra_fields`).
    """


class DecodedHiding(Decoded, omit_defaults=True):
    """An object with values that the decoder checks and the encoder leaves out: a `__typename`, or extra fields.

    The attribute for the `__typename` allows only one value, which is also its default value. So the decoder rejects
    every other value. The encoder omits attributes that have their default value.
    """


class Dropped:
    """Stands for the value of a field that the subgraph was not asked for (`extra_fields`)."""


class DroppedLeaf:
    """Stands for such a value that is neither a list nor an object."""


DROPPED: Final = Dropped()
DROPPED_LEAF: Final = DroppedLeaf()


def dropped(type_: type, value: object) -> object:
    """Return what stands for `value`. The decoder calls this for attributes of the types above, and of `UnsetType`.

    Raises:
        Misfit: The value must be a leaf, but is a list or an object; or the type is `UnsetType`.
    """
    if type_ is Dropped:
        return DROPPED
    if type_ is not DroppedLeaf:
        raise Misfit("a fetch returns a field that another fetch returns, too")
    if isinstance(value, list | dict):
        raise Misfit("two fetches return an object or a list that they were not asked for")
    return DROPPED_LEAF


class Representation(Struct, gc=False):
    """A representation, which is sent to the field `_entities`."""


def merged_null(target: Any, entity: Any) -> None:
    """Merge two values of which at least one is None.

    Raises:
        Misfit: The other value is an object or a list.
    """
    if entity is not None or (target is not None and target is not UNSET):
        raise Misfit("only one of two fetches returns null")


def merged_lists(target: Any, entity: Any, merge: Callable[[Any, Any], Any], depth: int) -> Any:
    """Merge a list of a fetched object into a list of the response (execution §3.6). Return the merged list.

    Args:
        target: The list of the response; None or `UNSET` if there is no list yet.
        entity: The list of the fetched object, or None.
        merge: Merges two items that are not lists.
        depth: How many lists are nested in each other.

    Raises:
        Misfit: The lists do not have the same length, or only one of them is None.
    """
    if depth == 0:
        return merge(target, entity)
    if entity is None or target is None:
        return merged_null(target, entity)
    if target is UNSET:
        return [merged_lists(UNSET, item, merge, depth - 1) for item in entity]
    if len(target) != len(entity):
        raise Misfit("two fetches return lists with different lengths")
    return [merged_lists(*items, merge, depth - 1) for items in zip(target, entity, strict=True)]


class ContextGroup:
    """The objects of a fetch with the same values of `@fromContext` arguments (execution §3.10).

    Attributes:
        values: Variable of the request → value.
        seen: The key of each representation → its index.
        representations: The representations.
        objects: The objects.
        positions: For each object, the index of its representation.
    """

    __slots__ = ("objects", "positions", "representations", "seen", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.seen: dict[Any, int] = {}
        self.representations: list[Any] = []
        self.objects: list[Any] = []
        self.positions: list[int] = []


def context_group(groups: dict[bytes, ContextGroup], values: dict[str, Any]) -> ContextGroup:
    """Return the group with these values from `groups`. If there is none, add it."""
    key = canonical(values)
    group = groups.get(key)
    if group is None:
        group = groups[key] = ContextGroup(values)
    return group


def refined(present: Any, incoming: Any, interfaces: Mapping[str, Sequence[str]]) -> Any:
    """Return the more precise of two values of `__typename` (execution §3.6). Either of them can be `UNSET`.

    `interfaces` maps each interface to its subtypes.

    Raises:
        Misfit: Neither of the types is a subtype of the other.
    """
    if incoming is UNSET or incoming == present or present in interfaces.get(incoming, ()):
        return present
    if present is UNSET or incoming in interfaces.get(present, ()):
        return incoming
    raise Misfit("two fetches return different types of an object")


def built(value: Any, build: Callable[[Any], Any], depth: int) -> Any:
    """Build the objects of a representation from an object of the response, or from `depth` nested lists of objects.

    Raises:
        Misfit: The value is absent.
    """
    if value is None:
        return None
    if value is UNSET:
        raise Misfit("a needed value is absent")
    return [built(item, build, depth - 1) for item in value] if depth else build(value)


Int: TypeAlias = Annotated[int, Meta(ge=MIN_INT, le=MAX_INT)]

NoErrors: TypeAlias = tuple[()] | None

NAMES: Final[dict[str, object]] = {
    "Any": Any,
    "Decimal": Decimal,
    "Decoded": Decoded,
    "DecodedHiding": DecodedHiding,
    "Dropped": Dropped,
    "DroppedLeaf": DroppedLeaf,
    "DROPPED": DROPPED,
    "DROPPED_LEAF": DROPPED_LEAF,
    "Int": Int,
    "Literal": Literal,
    "Misfit": Misfit,
    "NoErrors": NoErrors,
    "Raw": Raw,
    "Representation": Representation,
    "UNSET": UNSET,
    "UnsetType": UnsetType,
    "built": built,
    "canonical": canonical,
    "context_group": context_group,
    "merged_lists": merged_lists,
    "merged_null": merged_null,
    "refined": refined,
}
"""Name → value: the global variables of generated code."""
