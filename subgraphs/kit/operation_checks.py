"""Reads a client's document. An operation that is not valid or costs too much is refused before it is executed.

```
text ── tokens ──> document ── one operation ── depth, aliases, selections ──> valid document ── estimate ──> Operation
```

The order matters: each step limits the work of the steps after it. The time of graphql-core's validation is not linear
in the length of the document. So the size of the operation is checked before the validation, and the rule that compares
fields has a smaller budget than in graphql-core.
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

from subgraphs.kit.limit_checks import check_size, check_variables, over_limit, too_expensive
from subgraphs.kit.once_per_operation import check_single_fields
from subgraphs.kit.operation_cost import estimate
from subgraphs.kit.operation_size import fragments_of, measure
from subgraphs.kit.request_limits import MAX_CHARACTERS, MAX_TOKENS, RequestLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import ASTValidationRule, GraphQLSchema, ValidationContext, VisitorAction

    from subgraphs.kit.document_cache import ValidDocuments
    from subgraphs.kit.kept_estimates import KeptEstimates

MAX_VALIDATION_ERRORS: Final = 20
# The budget for comparing fields with the same response name. graphql-core's own budget is 500,000, which is a second
# of CPU time.
_MAX_COMPARISONS: Final = 15_000
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"


class OperationNotFound(Exception):
    """The document has no operation of this name, or it has several operations and the request names none."""


class InvalidDocument(Exception):
    """The document is not valid GraphQL, or exceeds a limit. `errors` are the errors for the client."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class _BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule for overlapping fields, which here may make only `_MAX_COMPARISONS` comparisons."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _MAX_COMPARISONS


class _NoSchemaRule(ValidationRule):
    """Refuses the fields that reveal the schema: `__schema`, `__type` and `_service`."""

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
    """An operation of a parsed document.

    Attributes:
        kept: what is kept about the operation since the document was validated earlier; None if it was not.
    """

    document: DocumentNode
    node: OperationDefinitionNode
    kept: KeptEstimates | None = None

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name is not None else None

    @property
    def kind(self) -> OperationType:
        return self.node.operation


def read_operation(text: str, name: str | None, valid: ValidDocuments | None = None) -> Operation:
    """Return the operation that the request names. Without a name, return the only operation of the document.

    A document of `valid` is not parsed again.

    Raises:
        InvalidDocument: the text is not a GraphQL document, or is too long.
        OperationNotFound: the document does not have the operation.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidDocument([over_limit("characters", MAX_CHARACTERS, "MAX_CHARACTERS_LIMIT")])
    known = valid.find(text) if valid is not None else None
    try:
        document = known or parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    if not operations or (name is None and len(operations) > 1):
        raise OperationNotFound
    kept = valid.estimates(text, name) if known is not None and valid is not None else None
    return Operation(document, operations[0], kept)


def check_operation(
    schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any], limits: RequestLimits
) -> None:
    """Check that the operation is valid and within the limits. Raises InvalidDocument if it is not."""
    kept = operation.kept
    try:
        check_variables(variables)
        if kept is None or not kept.is_checked:
            _check_size_and_root_fields(schema, operation, limits)
    except GraphQLError as error:
        raise InvalidDocument([error]) from None
    except RecursionError:
        raise InvalidDocument([over_limit("fields nested", limits.depth, "MAX_DEPTH_LIMIT")]) from None
    if kept is None:
        _validate(schema, operation.document, limits)

    def compute(read: Mapping[str, Any]) -> int:
        return estimate(schema, operation.node, fragments_of(operation.document), read)

    objects = compute(variables) if kept is None else kept.get(variables, compute)
    if objects > limits.objects:
        raise InvalidDocument([too_expensive(objects, limits.objects)])
    if kept is not None:
        kept.is_checked = True


def _check_size_and_root_fields(schema: GraphQLSchema, operation: Operation, limits: RequestLimits) -> None:
    check_size(measure(operation.document, operation.node), limits)
    check_single_fields(schema, operation.node, fragments_of(operation.document))


def _validate(schema: GraphQLSchema, document: DocumentNode, limits: RequestLimits) -> None:
    errors = validate(
        schema,
        document,
        _RULES if limits.introspection else (*_RULES, _NoSchemaRule),
        max_errors=MAX_VALIDATION_ERRORS,
        hide_suggestions=not limits.introspection,
    )
    if errors:
        raise InvalidDocument([_with_code(error) for error in errors])


def _with_code(error: GraphQLError) -> GraphQLError:
    """Return the validation error with a code.

    If a scalar refused a literal, the error already has a code, which is kept.
    """
    if isinstance(error.original_error, ValueError):
        # Python does not convert a literal with more than 4,300 digits to an integer. graphql-core would report the
        # message of Python's exception.
        error = GraphQLError("A number has too many digits", error.nodes)
    error.extensions = {"code": VALIDATION_FAILED, **(error.extensions or {})}
    return error
