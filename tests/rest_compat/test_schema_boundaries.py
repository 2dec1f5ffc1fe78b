"""Every input of the OpenAPI document at the boundaries of its schema: the service accepts exactly what fits.

The values come from the document alone: for each input, its example with one character changed, texts at the limits of
length, each member of an enum and values next to it, numbers around the limits, and values of other types. Covers the
agreement of `rest_compat/scalars.py`, `body_schemas.py` and `bodies.py` with `openapi.py`, and of the services with
both.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators  # type: ignore[import-untyped]  # it ships no types

from bank import values
from rest_compat import openapi
from rest_compat.body_schemas import ObjectSchema, VariantSchema, read_query
from rest_compat.errors import ValidationFailed
from rest_compat.handler import IDEMPOTENCY_KEY
from rest_compat.openapi_links import operation_id
from rest_compat.routes import ROUTES
from subgraphs.auth.domain import parse_email, parse_name
from subgraphs.transaction.idempotency import is_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

    from rest_compat.route import Route
    from tests.rest_compat.fake_bank import FakeBank

Json = dict[str, Any]
JSON: Final = {"content-type": "application/json"}
DOCUMENT: Final[Json] = openapi.document()

# Characters that a form or a script puts where it should not: white space, controls, signs, other scripts.
ODD: Final = (
    "",
    " ",
    "\n",
    "\t",
    "\0",
    "\x7f",
    "\u00a0",
    "\u200b",
    "é",
    "ß",
    "\u0663",
    "😀",
    "-",
    ".",
    "_",
    "@",
    "+",
    "0",
    "9",
    "a",
    "F",
)
OTHER_TYPES: Final[tuple[object, ...]] = (None, True, 0, 1.5, [], {}, ["a"], {"a": "b"})
NUMBERS: Final = ("01", "+1", "1.0", "1e1", " 1", "1 ", "\u0661", "0x1", "1_0", "-0")
TIMES: Final = (
    "2026-02-28T23:59:59Z",
    "2026-02-29T00:00:00Z",
    "2024-02-29T00:00:00Z",
    "2026-01-31t09:30:00.123456789z",
    "2026-01-31T09:30:00.1234567890Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T23:60:00Z",
    "2026-01-31T23:59:60Z",
    "2026-13-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "0001-01-02T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-01:00",
    "2026-01-31T09:30:00+24:00",
    "2026-01-31T09:30:00+23:59",
    "2026-01-31 09:30:00Z",
    "2026-01-31T09:30:00",
    "2026-01-31",
)
EMAILS: Final = (
    "a@b.cd",
    "a@b.c",
    f"{'a' * 64}@b.cd",
    f"{'a' * 65}@b.cd",
    f"a@{'b.' * 125}cd",
    f"a@{'b.' * 126}cd",
    f"a@{'b' * 33}.cd",
    f"a@b.{'c' * 63}",
    f"a@b.{'c' * 64}",
    ".a@b.cd",
    "a.@b.cd",
    "a..b@c.de",
    "a@-b.cd",
    "a@b-.cd",
    "a@b--c.de",
)
AMOUNTS: Final = (
    "0",
    "0.00",
    "0.01",
    "0.001",
    "00.01",
    "1",
    "1.",
    ".5",
    "-1.00",
    "1e2",
    "1,00",
    "9" * 15 + ".99",
    "9" * 16 + ".99",
)


def _ecma_pattern(_validator: object, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    """In ECMA 262, `$` matches only at the end; in Python also before a line feed at the end."""
    if isinstance(instance, str) and not re.search(
        pattern.replace("$", r"\Z") if pattern[-1] == "$" else pattern, instance
    ):
        yield ValidationError("does not match")


def _is_a_time(text: object) -> bool:
    if not isinstance(text, str):
        return True
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
    except ValueError:
        return False
    return True


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time")(_is_a_time)
Validator = validators.extend(Draft202012Validator, {"pattern": _ecma_pattern})


def fits(schema: Mapping[str, Any], value: object) -> bool:
    whole = {**schema, "components": {"schemas": DOCUMENT["components"]["schemas"]}}
    verdict: bool = Validator(whole, format_checker=FORMATS).is_valid(value)
    return verdict


def texts(schema: Mapping[str, Any], given: object) -> Iterator[str]:
    """Texts near the example that the document gives, and at the limits of length."""
    members = schema.get("enum") or [each["const"] for each in schema.get("oneOf", ())]
    example = str(given or [*members, "a" * 40][0])
    for position in sorted({0, len(example) // 2, len(example) - 1, len(example)}):
        for odd in ODD:
            yield example[:position] + odd + example[position + 1 :]
            yield example[:position] + odd + example[position:]
    for limit in {schema.get("minLength", 1), schema.get("maxLength", len(example)), 24, 10}:
        for length in (limit - 1, limit, limit + 1):
            for filler in ("a", "0", "é", "😀", " "):
                yield filler * length
            yield (example * (length // len(example) + 1))[:length]
    yield from (example, example.upper(), example.lower(), *TIMES, *EMAILS, *AMOUNTS)
    for member in members[:3]:
        yield from (member, member.lower(), member[:-1], f"{member} ", f"{member},{member}")


def bodies() -> list[tuple[str, ObjectSchema]]:
    found: dict[str, ObjectSchema] = {}
    for route in ROUTES:
        if isinstance(route.body, VariantSchema):
            found |= {variant.name: variant for variant in route.body.variants.values()}
        elif route.body is not None:
            found[route.body.name] = route.body
    return list(found.items())


def valid_body(schema: ObjectSchema) -> Json:
    examples = list(schema.examples.values())
    return dict(examples[0]) if examples else {"refreshToken": "a" * 40}


def metadata() -> Iterator[object]:
    yield from ({}, {"": ""}, {"a": "b" * 2047}, {str(n): "x" for n in range(20)}, {str(n): "x" for n in range(21)})
    yield from ({"a": 1}, {"a": None}, {"a": ["b"]}, {"a\0": "é\n"})


def accepts(schema: ObjectSchema, document: Json) -> bool:
    try:
        schema.read(document)
    except ValidationFailed:
        return False
    return True


@pytest.mark.parametrize(("name", "schema"), bodies())
def test_a_body_is_accepted_exactly_if_it_fits_its_schema(name: str, schema: ObjectSchema) -> None:
    component = DOCUMENT["components"]["schemas"][name]
    valid = valid_body(schema)
    for field, field_schema in component["properties"].items():
        base = {**valid, field: None} if field in valid else _with_alternative(valid, field)
        near = metadata() if field_schema.get("type") == "object" else texts(field_schema, valid.get(field))
        verdicts = set()
        for candidate in (*OTHER_TYPES, *near):
            document = {**base, field: candidate}
            expected = fits({"$ref": f"#/components/schemas/{name}"}, document)
            assert accepts(schema, document) == expected, (field, candidate)
            verdicts.add(expected)
        assert verdicts == {True, False}, f"{field}: the candidates are on one side of the boundary only"


def _with_alternative(valid: Json, field: str) -> Json:
    """The body in which `field` replaces the field that excludes it; the only such pair is that of a receiver."""
    return {
        key: value
        for key, value in valid.items()
        if {key, field} != {"destinationAccountId", "destinationAccountNumber"}
    }


@pytest.mark.parametrize(("name", "schema"), bodies())
def test_a_body_without_a_field_or_with_another_is_refused_as_its_schema_says(name: str, schema: ObjectSchema) -> None:
    reference = {"$ref": f"#/components/schemas/{name}"}
    valid = valid_body(schema)
    variants = [valid, {}, {**valid, "more": "x"}, *({k: v for k, v in valid.items() if k != field} for field in valid)]
    for document in variants:
        assert accepts(schema, document) == fits(reference, document), document


def parameters() -> list[tuple[str, Route]]:
    return [(operation_id(route), route) for route in ROUTES if route.query]


def reads(route: Route, query: str) -> bool:
    try:
        read_query(route.query, query.encode("ascii"))
    except ValidationFailed:
        return False
    return True


@pytest.mark.parametrize(("_name", "route"), parameters())
def test_a_parameter_is_accepted_exactly_if_it_fits_its_schema(_name: str, route: Route) -> None:
    listed = DOCUMENT["paths"][openapi._template(route.path)]["get"]["parameters"]  # noqa: SLF001 - the path of the document
    for parameter in (each for each in listed if each["in"] == "query"):
        schema, given = parameter["schema"], parameter.get("example")
        one = schema.get("items", schema)
        near = texts(one, given[0] if isinstance(given, list) else given)
        verdicts = set()
        for text in (*near, *NUMBERS, *map(str, range(-1, 103))):
            value: object = text
            if one["type"] == "integer":
                value = int(text) if re.fullmatch(r"0|-?[1-9][0-9]*", text) else text
            expected = fits(schema, [value] if schema["type"] == "array" else value)
            query = urlencode({parameter["name"]: text})
            assert reads(route, query) == expected, (parameter["name"], text)
            verdicts.add(expected)
        assert verdicts == {True, False}, parameter["name"]
        for count in (0, 1, 2, 100, 101) if schema["type"] == "array" else ():
            members = [one["enum"][0]] * count
            query = urlencode([(parameter["name"], member) for member in members])
            # Without a value, the parameter is not sent at all.
            assert reads(route, query) == (fits(schema, members) or count == 0), (parameter["name"], count)


# Field of a body -> whether the service behind accepts the value too.
SERVICES: Final[Mapping[str, Callable[[str], bool]]] = {
    "email": lambda text: bool(parse_email(text)),
    "name": lambda text: bool(parse_name(text)),
    "payee": lambda text: values.is_line(text.strip()),
}


@pytest.mark.parametrize("field", SERVICES)
def test_the_service_behind_accepts_what_fits_the_schema(field: str) -> None:
    (schema, example), *_ = (
        (component["properties"][field], valid_body(body)[field])
        for name, body in bodies()
        if field in (component := DOCUMENT["components"]["schemas"][name])["properties"]
    )
    fitting = [text for text in texts(schema, example) if fits(schema, text)]
    assert len(fitting) > 10
    for text in fitting:
        assert SERVICES[field](text), text


def test_an_idempotency_key_is_accepted_exactly_if_it_fits_its_schema() -> None:
    schema = IDEMPOTENCY_KEY.schema
    verdicts = set()
    for text in texts(schema, IDEMPOTENCY_KEY.scalar.example):
        errors: list[Any] = []
        IDEMPOTENCY_KEY.read(text, "header", errors)
        assert (not errors) == fits(schema, text) == is_key(text), text
        verdicts.add(not errors)
    assert verdicts == {True, False}


async def test_the_running_layer_answers_as_the_schema_says(anyone: httpx.AsyncClient, bank: FakeBank) -> None:
    """A sample of the above over HTTP, where a text passes through the decoding of a body."""
    del bank
    valid = {"email": "ada@example.org", "password": "correct horse battery", "name": "Ada"}
    reference = {"$ref": "#/components/schemas/Registration"}
    for field in valid:
        schema = DOCUMENT["components"]["schemas"]["Registration"]["properties"][field]
        for text in [*texts(schema, valid[field])][::25]:
            body = json.dumps({**valid, field: text}).encode()
            response = await anyone.post(
                "/api/auth/register", content=body, headers={"content-type": "application/json"}
            )
            assert (response.status_code != 400) == fits(reference, {**valid, field: text}), (field, text)
