"""Shapes of bodies and query strings: fields of a kind, rules between fields, and variants by a tag.

Reading collects every bad field before it gives up (contract, "Errors"), and each shape knows its JSON Schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from bank import values
from rest_compat import scalars
from rest_compat.errors import FieldError, ValidationFailed
from rest_compat.scalars import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rest_compat.scalars import JsonSchema, Kind

# More parameters than any route has, and a bound on the work that one query string may cause.
MAX_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Field:
    """One named input.

    Attributes:
        many: in a query string, the name may be repeated, and the value is a list.
    """

    name: str
    kind: Kind
    description: str
    required: bool = True
    many: bool = False

    def read(self, given: object, location: str, problems: list[FieldError]) -> Any:
        """The converted value; None after noting why there is none."""
        try:
            return self.kind.parse(given)
        except InvalidInput as error:
            problems.append(FieldError((location, self.name, *error.within), error.code, error.message))
            return None

    @property
    def schema(self) -> JsonSchema:
        if self.many:
            return {"type": "array", "items": dict(self.kind.schema), "minItems": 1}
        return {"description": self.description, **self.kind.schema}


class Rule(Protocol):
    """What a body's fields owe to each other.

    Attributes:
        schema: keywords that say the same in JSON Schema.
        not_in_example: fields that the example leaves out, since it has others in their place.
    """

    @property
    def schema(self) -> JsonSchema: ...

    @property
    def not_in_example(self) -> Collection[str]: ...

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:
        """Judge a body by the names that were `given` and the values among them that are good."""


@dataclass(frozen=True, slots=True)
class ExactlyOneOf:
    names: tuple[str, ...]

    @property
    def schema(self) -> JsonSchema:
        return {"oneOf": [{"required": [name]} for name in self.names]}

    @property
    def not_in_example(self) -> Collection[str]:
        return self.names[1:]

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - the protocol's
        if sum(name in given for name in self.names) != 1:
            yield FieldError(("body", self.names[0]), "EXACTLY_ONE", f"give exactly one of {', '.join(self.names)}")


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    @property
    def schema(self) -> JsonSchema:
        return {"minProperties": 1}

    @property
    def not_in_example(self) -> Collection[str]:
        return ()

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - the protocol's
        if not given:
            yield FieldError(("body",), "REQUIRED", "give at least one field")


@dataclass(frozen=True, slots=True)
class ExactDecimals:
    """`amount` has exactly the decimals of `currency`."""

    @property
    def schema(self) -> JsonSchema:
        by_decimals = scalars.currencies_by_decimals().items()
        return {
            "anyOf": [
                {"properties": {"currency": {"enum": codes}, "amount": {"pattern": scalars.amount_pattern(decimals)}}}
                for decimals, codes in by_decimals
            ]
        }

    @property
    def not_in_example(self) -> Collection[str]:
        return ()

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - the protocol's
        if "amount" not in body or "currency" not in body:
            return
        try:
            values.check_precision(values.parse_amount(body["amount"]), body["currency"])
        except values.InvalidValue as error:
            yield FieldError(("body", "amount"), "INVALID_AMOUNT", str(error))


@dataclass(frozen=True, slots=True)
class ObjectBody:
    """A JSON object with these fields and no others; `name` is its schema's."""

    name: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()

    def read(self, document: Mapping[str, object]) -> dict[str, Any]:
        """The converted body.

        Raises:
            ValidationFailed: lists every bad field.
        """
        known = {field.name: field for field in self.fields}
        problems = [FieldError(("body", name), "UNKNOWN", "is no field here") for name in document if name not in known]
        body: dict[str, Any] = {}
        for name, field in known.items():
            if name in document:
                value = field.read(document[name], "body", problems)
                if value is not None:
                    body[name] = value
            elif field.required:
                problems.append(FieldError(("body", name), "REQUIRED", "is required"))
        for rule in self.rules:
            problems.extend(rule.check(document.keys() & known.keys(), body))
        if problems:
            raise ValidationFailed(problems)
        return body

    @property
    def schemas(self) -> dict[str, JsonSchema]:
        """Component name -> schema; the first is this body's."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {field.name: dict(field.schema) for field in self.fields},
            "required": [field.name for field in self.fields if field.required],
            "additionalProperties": False,
        }
        for rule in self.rules:
            schema |= rule.schema
        return {self.name: schema}

    @property
    def examples(self) -> dict[str, dict[str, Any]]:
        """Name -> a body that is well-formed."""
        omitted = {name for rule in self.rules for name in rule.not_in_example}
        return {self.name: {field.name: field.kind.example for field in self.fields if field.name not in omitted}}


@dataclass(frozen=True, slots=True)
class TaggedBody:
    """One of several objects; the field `tag` says which."""

    name: str
    tag: str
    variants: Mapping[str, ObjectBody]

    def read(self, document: Mapping[str, object]) -> dict[str, Any]:
        """The converted body, the tag included. Raises ValidationFailed."""
        tag = document.get(self.tag)
        if not isinstance(tag, str) or tag not in self.variants:
            code = "NOT_ALLOWED" if self.tag in document else "REQUIRED"
            raise ValidationFailed([FieldError(("body", self.tag), code, f"must be one of {', '.join(self.variants)}")])
        return self.variants[tag].read(document)

    @property
    def schemas(self) -> dict[str, JsonSchema]:
        references = {tag: f"#/components/schemas/{variant.name}" for tag, variant in self.variants.items()}
        schemas: dict[str, JsonSchema] = {
            self.name: {
                "oneOf": [{"$ref": reference} for reference in references.values()],
                "discriminator": {"propertyName": self.tag, "mapping": references},
            }
        }
        for variant in self.variants.values():
            schemas |= variant.schemas
        return schemas

    @property
    def examples(self) -> dict[str, dict[str, Any]]:
        return {name: body for variant in self.variants.values() for name, body in variant.examples.items()}


Body = ObjectBody | TaggedBody


def read_query(fields: tuple[Field, ...], query_string: bytes) -> dict[str, Any]:
    """The converted parameters of a query string.

    Raises:
        ValidationFailed: lists every bad parameter, unknown and repeated ones too.
    """
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise ValidationFailed(
            [FieldError(("query",), "INVALID_FORMAT", "is not a well-formed query string")]
        ) from None
    known = {field.name: field for field in fields}
    problems: list[FieldError] = []
    parameters: dict[str, Any] = {}
    for name in dict.fromkeys(name for name, _ in pairs):
        given = [value for other, value in pairs if other == name]
        field = known.get(name)
        if field is None:
            problems.append(FieldError(("query", name), "UNKNOWN", "is no parameter here"))
        elif len(given) > 1 and not field.many:
            problems.append(FieldError(("query", name), "REPEATED", "may be given once"))
        else:
            read = [field.read(value, "query", problems) for value in given]
            parameters[name] = read if field.many else read[0]
    if problems:
        raise ValidationFailed(problems)
    return parameters
