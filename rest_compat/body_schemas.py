"""Schemas of bodies and query strings.

A schema describes one object by its fields and the rules between them, or it has several variants. In the second case,
the value of a tag chooses the variant. Each field has a scalar type. Reading a body reports every invalid field, not
only the first (bank §3.8). Each schema can be converted to JSON Schema.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from bank import values
from rest_compat import scalars
from rest_compat.errors import FieldError, ValidationFailed
from rest_compat.scalars import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rest_compat.scalars import JsonSchema, Scalar

# How often a parameter may occur in a query string if it may occur more than once.
MAX_REPEATS = 100
# The largest number of parameters in a query string. It limits the work of reading the string. No route needs more: the
# route with the most parameters has three that may be repeated, and two others.
MAX_PARAMETERS = 3 * MAX_REPEATS + 2


@dataclass(frozen=True, slots=True)
class InputField:
    """A named field of a body, or a parameter of a query string.

    Attributes:
        many: whether a parameter may be repeated. If so, its value is a list.
        has_example: False if the documentation cannot show a working value, for example because the field is a token.
            It is also False for filters of lists: a client that fills in all examples would get an empty list.
    """

    name: str
    scalar: Scalar
    description: str
    required: bool = True
    many: bool = False
    has_example: bool = True

    def read(self, given: object, location: str, errors: list[FieldError]) -> Any:
        """Return the converted value. If the value is invalid, add the reason to `errors` and return None."""
        try:
            return self.scalar.parse(given)
        except InvalidInput as error:
            errors.append(FieldError((location, self.name, *error.within), error.code, error.message))
            return None

    @property
    def schema(self) -> JsonSchema:
        if self.many:
            return {"type": "array", "items": dict(self.scalar.schema), "minItems": 1, "maxItems": MAX_REPEATS}
        return {"description": self.description, **self.scalar.schema}


class FieldRule(Protocol):
    """A rule between the fields of a body.

    Attributes:
        schema: the keywords that express the rule in JSON Schema.
    """

    @property
    def schema(self) -> JsonSchema: ...

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:
        """Yield the errors of a body.

        `given` contains the names of all fields in the body. `body` contains only the valid fields, with their values.
        """


@dataclass(frozen=True, slots=True)
class ExactlyOneOf:
    """The body must have exactly one of these fields."""

    names: tuple[str, ...]

    @property
    def schema(self) -> JsonSchema:
        return {"oneOf": [{"required": [name]} for name in self.names]}

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - required by the protocol
        if sum(name in given for name in self.names) != 1:
            yield FieldError(("body", self.names[0]), "EXACTLY_ONE", f"give exactly one of {', '.join(self.names)}")


@dataclass(frozen=True, slots=True)
class AtLeastOne:
    """The body must have at least one field."""

    @property
    def schema(self) -> JsonSchema:
        return {"minProperties": 1}

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - required by the protocol
        if not given:
            yield FieldError(("body",), "REQUIRED", "give at least one field")


@dataclass(frozen=True, slots=True)
class ExactDecimals:
    """`amount` must have exactly as many decimals as `currency` has."""

    @property
    def schema(self) -> JsonSchema:
        by_decimals = scalars.currencies_by_decimals().items()
        return {
            "anyOf": [
                {"properties": {"currency": {"enum": codes}, "amount": {"pattern": scalars.amount_pattern(decimals)}}}
                for decimals, codes in by_decimals
            ]
        }

    def check(self, given: Collection[str], body: Mapping[str, Any]) -> Iterator[FieldError]:  # noqa: ARG002 - required by the protocol
        if "amount" not in body or "currency" not in body:
            return
        try:
            amount = values.check_precision(values.parse_amount(body["amount"]), body["currency"])
        except values.InvalidValue as error:
            yield FieldError(("body", "amount"), "INVALID_AMOUNT", str(error))
            return
        if len(amount.as_tuple().digits) > scalars.MAX_STORED_DIGITS:
            yield FieldError(("body", "amount"), "TOO_LARGE", "larger than the bank can store")


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """A JSON object that has these fields and no others.

    Attributes:
        name: the name of the JSON Schema.
        variations: a mapping: name of an example → the values that replace the fields' own examples. The value None
            leaves a field out. If the mapping is empty, the schema has one example.
    """

    name: str
    fields: tuple[InputField, ...]
    rules: tuple[FieldRule, ...] = ()
    variations: Mapping[str, Mapping[str, object]] = dataclass_field(default_factory=dict)

    def read(self, document: Mapping[str, object]) -> dict[str, Any]:
        """Return the converted body.

        Raises:
            ValidationFailed: lists every invalid field.
        """
        known = {field.name: field for field in self.fields}
        errors = [
            FieldError(("body", name), "UNKNOWN", "is not a known field") for name in document if name not in known
        ]
        body: dict[str, Any] = {}
        for name, field in known.items():
            if name in document:
                value = field.read(document[name], "body", errors)
                if value is not None:
                    body[name] = value
            elif field.required:
                errors.append(FieldError(("body", name), "REQUIRED", "is required"))
        for rule in self.rules:
            errors.extend(rule.check(document.keys() & known.keys(), body))
        if errors:
            raise ValidationFailed(errors, valid=body)
        return body

    @property
    def schemas(self) -> dict[str, JsonSchema]:
        """Return a mapping: component name → JSON Schema.

        The schema of this body is first. The schemas to which it refers follow.
        """
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
        """Return a mapping: name of an example → a valid body."""
        if any(not field.has_example and field.required for field in self.fields):
            return {}
        common = {field.name: field.scalar.example for field in self.fields if field.has_example}
        variations: Mapping[str, Mapping[str, object]] = self.variations or {self.name: {}}
        return {
            name: {key: value for key, value in {**common, **different}.items() if value is not None}
            for name, different in variations.items()
        }


@dataclass(frozen=True, slots=True)
class VariantSchema:
    """One of several object schemas. The value of the field `tag` decides which schema applies."""

    name: str
    tag: str
    variants: Mapping[str, ObjectSchema]

    def read(self, document: Mapping[str, object]) -> dict[str, Any]:
        """Return the converted body, including the tag.

        Raises:
            ValidationFailed: lists every invalid field.
        """
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


BodySchema = ObjectSchema | VariantSchema


def read_query(fields: tuple[InputField, ...], query_string: bytes) -> dict[str, Any]:
    """Return the converted parameters of a query string.

    Raises:
        ValidationFailed: lists every invalid parameter, including unknown and repeated ones.
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
    errors: list[FieldError] = []
    parameters: dict[str, Any] = {}
    sent: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        sent[name].append(value)
    for name, given in sent.items():
        field = known.get(name)
        if field is None:
            errors.append(FieldError(("query", name), "UNKNOWN", "is not a known parameter"))
        elif len(given) > 1 and not field.many:
            errors.append(FieldError(("query", name), "REPEATED", "must not be given more than once"))
        elif len(given) > MAX_REPEATS:
            errors.append(FieldError(("query", name), "TOO_MANY", f"must not be given more than {MAX_REPEATS} times"))
        else:
            read = [field.read(value, "query", errors) for value in given]
            parameters[name] = read if field.many else read[0]
    if errors:
        raise ValidationFailed(errors)
    return parameters
