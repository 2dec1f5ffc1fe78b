"""Define the base classes, types and exceptions that generated code uses."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from router.executor.graphql.leaf_coercion import MAX_INT, MIN_INT
from router.json_codec import canonical


class Misfit(Exception):
    """A response does not have the form that the generated code expects. The interpreter executes the plan instead."""


class Decoded(Struct, gc=False, forbid_unknown_fields=True):
    """An object of a response.

    An unknown field makes the decoding fail, and the interpreter executes the plan instead. Without this check, the
    decoded object would lose a field that the interpreter may use.
    """


class DecodedHiding(Decoded, omit_defaults=True):
    """An object with a hidden `__typename`.

    The decoder checks that the `__typename` is equal to its default value. The encoder omits default values.
    """


class Representation(Struct, gc=False):
    """A representation, which is sent to the field `_entities`."""


Int: TypeAlias = Annotated[int, Meta(ge=MIN_INT, le=MAX_INT)]

NoErrors: TypeAlias = tuple[()] | None

NAMES: Final[dict[str, object]] = {
    "Any": Any,
    "Decimal": Decimal,
    "Decoded": Decoded,
    "DecodedHiding": DecodedHiding,
    "Int": Int,
    "Literal": Literal,
    "Misfit": Misfit,
    "NoErrors": NoErrors,
    "Raw": Raw,
    "Representation": Representation,
    "UNSET": UNSET,
    "UnsetType": UnsetType,
    "canonical": canonical,
}
"""Name → value: the global variables of generated code."""
