"""Faults in the responses of subgraphs: what a broken or malicious subgraph might send."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from router.json_codec import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

Place: TypeAlias = tuple[dict[str, object], str]


def with_fault(body: bytes, fault: str, random: Random) -> bytes:
    """Return a response with a fault of this kind at a random place."""
    return FAULTS[fault](body, random)


def _members(value: object) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _members(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _changed(change: Callable[[dict[str, object], str, Random], None]) -> Callable[[bytes, Random], bytes]:
    """A fault at a random member of an object in `data`."""

    def fault(body: bytes, random: Random) -> bytes:
        response = decode(body)
        assert isinstance(response, dict)
        places = list(_members(response.get("data")))
        if places:
            holder, key = random.choice(places)
            change(holder, key, random)
        return encode(response)

    return fault


def _null(holder: dict[str, object], key: str, _random: Random) -> None:
    holder[key] = None


def _wrong_type(holder: dict[str, object], key: str, random: Random) -> None:
    holder[key] = random.choice([True, 7, "text", [], {}, [None], [[]], {"__typename": "Nothing"}, 0.5, -1])


def _missing(holder: dict[str, object], key: str, _random: Random) -> None:
    del holder[key]


def _extra(holder: dict[str, object], key: str, random: Random) -> None:
    name = random.choice([f"{key}2", "id", "name", "__typename", "extra", "_entities"])
    holder.setdefault(name, random.choice([1, None, "extra", {"id": "x"}]))


def _huge(holder: dict[str, object], key: str, random: Random) -> None:
    holder[key] = random.choice([2**31, -(2**31) - 1, 2**64, 10**40, 2**31 - 1])


def _wrapped(holder: dict[str, object], key: str, random: Random) -> None:
    value = holder[key]
    if isinstance(value, list) and value:
        holder[key] = random.choice([value[:-1], [*value, None], [*value, value[0]], [value], value[0]])
    else:
        holder[key] = [value]


def _errors(body: bytes, random: Random) -> bytes:
    response = decode(body)
    assert isinstance(response, dict)
    path = random.choice([None, [], ["_entities", 0], ["nothing"], [next(iter(response.get("data") or {"x": 0}))]])
    response["errors"] = [{"message": "broken"} | ({} if path is None else {"path": path})]
    return encode(response)


def _empty_errors(body: bytes, random: Random) -> bytes:
    response = decode(body)
    assert isinstance(response, dict)
    return encode({**response, "errors": random.choice([[], None, "x", {}]), "extensions": {"a": [1.50]}})


def _duplicate_key(body: bytes, random: Random) -> bytes:
    name = random.choice([b'"__typename"', b'"id"', b'"data"', b'"_entities"'])
    place = body.find(b"{", random.randrange(len(body)))
    if place < 0 or body[place + 1 : place + 2] == b"}":
        return body
    return body[: place + 1] + name + b":1," + body[place + 1 :]


def _invalid_utf8(body: bytes, random: Random) -> bytes:
    place = body.find(b'"', random.randrange(len(body)))
    return body if place < 0 else body[: place + 1] + b"\xff" + body[place + 1 :]


def _truncated(body: bytes, random: Random) -> bytes:
    return body[: random.randrange(len(body))]


def _number_forms(holder: dict[str, object], key: str, random: Random) -> None:
    holder[key] = random.choice([Decimal("1.0"), Decimal("1.10"), Decimal("1E+3"), Decimal("0.1000000000000000055"), 0])


FAULTS: Final[dict[str, Callable[[bytes, Random], bytes]]] = {
    "null": _changed(_null),
    "wrong type": _changed(_wrong_type),
    "missing field": _changed(_missing),
    "extra field": _changed(_extra),
    "huge integer": _changed(_huge),
    "other list": _changed(_wrapped),
    "number form": _changed(_number_forms),
    "errors": _errors,
    "empty errors": _empty_errors,
    "duplicate key": _duplicate_key,
    "invalid UTF-8": _invalid_utf8,
    "truncated": _truncated,
}
