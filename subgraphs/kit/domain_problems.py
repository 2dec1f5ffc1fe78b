"""Problems are the reasons why an order or a change is refused. This module has their JSON form (bank §2.4)."""

from __future__ import annotations

from dataclasses import Field, fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from bank.values import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping


class DomainProblem(Protocol):
    """A dataclass whose fields are the facts of the problem. A fact is a string, a number, an amount or a time."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    code: ClassVar[str]
    message: ClassVar[str]


def facts(problem: DomainProblem) -> Mapping[str, Any]:
    """Return the fields of the problem by name."""
    return {field.name: getattr(problem, field.name) for field in fields(problem)}


def to_json(problem: DomainProblem) -> dict[str, Any]:
    """Return the code, the message and the facts, with names in camel case.

    Amounts are decimal strings, and times have the form of the API.
    """
    document: dict[str, Any] = {"code": problem.code, "message": problem.message}
    for name, value in facts(problem).items():
        document[camel_case(name)] = _to_json(value)
    return document


def _to_json(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return format_timestamp(value) if isinstance(value, datetime) else value


def camel_case(name: str) -> str:
    """Return a name in camel case: `snakeCase` for `snake_case`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
