"""Refusals of the domains as JSON, in the form in which they are stored and sent."""

from __future__ import annotations

from dataclasses import Field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(Protocol):
    """A dataclass whose fields are the facts of the refusal: text, numbers, amounts."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    code: ClassVar[str]
    message: ClassVar[str]


def facts(refusal: Refusal) -> Mapping[str, Any]:
    """The fields by name."""
    return {field.name: getattr(refusal, field.name) for field in fields(refusal)}


def to_json(refusal: Refusal) -> dict[str, Any]:
    """Code, message and the facts in camel case; amounts as plain decimal strings."""
    document: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    for name, value in facts(refusal).items():
        document[camel_case(name)] = f"{value:f}" if isinstance(value, Decimal) else value
    return document


def camel_case(name: str) -> str:
    """`snake_case` as `snakeCase`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
