"""Reads a client's document and refuses, before anything is executed, what is not valid or costs too much.

```
text ── tokens ──> document ── one operation ── depth, aliases, selections ──> valid document ── estimate ──> Operation
```

The order matters: each step is bounded by the ones before it. Validation by graphql-core is not linear in the length of
a document, so the size of the operation is measured first, and the comparison of fields has a smaller budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    SKIP,
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    ValidationRule,
    get_named_type,
    is_introspection_type,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from subgraphs.kit.operation_cost import estimate
from subgraphs.kit.operation_size import fragments_of, measure
from subgraphs.kit.request_limits import (
    MAX_CHARACTERS,
    MAX_TOKENS,
    RequestLimits,
    check_size,
    check_variables,
    over_limit,
    too_expensive,
)
from subgraphs.kit.single_fields import check_single_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ASTValidationRule, GraphQLSchema, ValidationContext, VisitorAction

MAX_VALIDATION_ERRORS: Final = 20
# Units of graphql-core's budget for comparing fields of one name, which is 500,000: a second of CPU.
_COMPARISONS: Final = 15_000
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"


class OperationNotFound(Exception):
    """No operation has the name, or the document has several operations and the request names none."""


class InvalidDocument(Exception):
    """The document is not valid GraphQL, or exceeds a limit; `errors` are for the client."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class _BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule with a budget that fits the other limits."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _COMPARISONS


class _NoSchemaRule(ValidationRule):
    """Refuses the fields that show the schema: `__schema`, `__type` and `_service`."""

    def enter_field(self, node: FieldNode, *_args: object) -> VisitorAction:
        type_ = get_named_type(self.context.get_type())
        if type_ is not None and (is_introspection_type(type_) or type_.name == "_Service"):
            self.report_error(
                GraphQLError(
                    f"This service does not show its schema; remove '{node.name.value}'",
                    node,
                    extensions={"code": "INTROSPECTION_DISABLED"},
                )
            )
            return SKIP
        return None


_RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *(_BoundedOverlapRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a parsed document."""

    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name is not None else None

    @property
    def kind(self) -> OperationType:
        return self.node.operation


def read_operation(text: str, name: str | None) -> Operation:
    """The operation that a request names, or the only one.

    Raises:
        InvalidDocument: the text is not a GraphQL document, or too long.
        OperationNotFound: the document does not have the operation.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidDocument([over_limit("characters", MAX_CHARACTERS, "MAX_CHARACTERS_LIMIT")])
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    if not operations or (name is None and len(operations) > 1):
        raise OperationNotFound
    return Operation(document, operations[0])


def check_operation(
    schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any], limits: RequestLimits
) -> None:
    """Raise InvalidDocument unless the operation is valid and within the limits."""
    try:
        check_variables(variables)
        check_size(measure(operation.document, operation.node), limits)
        check_single_fields(schema, operation.node, fragments_of(operation.document))
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    except RecursionError:
        raise InvalidDocument([over_limit("fields nested", limits.depth, "MAX_DEPTH_LIMIT")]) from None
    errors = validate(
        schema,
        operation.document,
        _RULES if limits.introspection else (*_RULES, _NoSchemaRule),
        max_errors=MAX_VALIDATION_ERRORS,
        hide_suggestions=not limits.introspection,
    )
    if errors:
        raise InvalidDocument([_with_code(error) for error in errors])
    objects = estimate(schema, operation.node, fragments_of(operation.document), variables)
    if objects > limits.objects:
        raise InvalidDocument([too_expensive(objects, limits.objects)])


def _with_code(error: GraphQLError) -> GraphQLError:
    """Return the validation error with a code. The error of a scalar that refuses a literal has a code already."""
    error.extensions = {"code": VALIDATION_FAILED, **(error.extensions or {})}
    return error
