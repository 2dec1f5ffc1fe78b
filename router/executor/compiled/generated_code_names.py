"""The names that generated code uses: base classes, types and exceptions. They are the globals of each program."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from router.executor.graphql.leaf_coercion import MAX_INT, MIN_INT
from router.json_codec import canonical


class Misfit(Exception):
    """A response does not have the shape for which the code was generated. The interpreter executes the request."""


class Decoded(Struct, gc=False, forbid_unknown_fields=True):
    """An object of a response. An unknown field is a misfit, because the interpreter might use it."""


class DecodedHiding(Decoded, omit_defaults=True):
    """An object with a hidden `__typename`: the decoder checks that it has its default, and the encoder omits it."""


class Representation(Struct, gc=False):
    """An object that is sent to `_entities`."""


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
"""The globals of generated code."""
