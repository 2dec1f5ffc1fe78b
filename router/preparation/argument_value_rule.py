"""The validation rule for literal values in a document. Its messages name the argument and the place inside its value.

The rule of graphql-core reports `Int cannot represent non-integer value: "x"` with only a line and a column. With this
rule, the message is `accounts(first:): Int cannot represent non-integer value.` In an operation with many arguments, a
developer finds the argument more easily by its name. The message does not repeat the value, which may be a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    SKIP,
    ArgumentNode,
    DirectiveNode,
    FieldNode,
    GraphQLError,
    ValuesOfCorrectTypeRule,
    VariableDefinitionNode,
)
from graphql.utilities.validate_input_value import validate_input_literal

from servicekit.graphql_messages import without_values

if TYPE_CHECKING:
    from graphql import GraphQLInputType, ValidationContext, ValueNode
    from graphql.language import VisitorAction


class ArgumentValueRule(ValuesOfCorrectTypeRule):
    """The rule "Values of Correct Type" of the GraphQL specification.

    The messages contain only names that the client wrote in its document, and no values.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._place = ""

    def enter_argument(self, node: ArgumentNode, *where: Any) -> None:
        """Store the name of the argument for messages. Its value is visited next.

        The last element of `where` is the list of the argument's ancestors.
        """
        owner = where[-1][-1] if where[-1] else None
        name = f"@{owner.name.value}" if isinstance(owner, DirectiveNode) else ""
        if isinstance(owner, FieldNode):
            name = owner.name.value
        self._place = f"{name}({node.name.value}:)"

    def enter_variable_definition(self, node: VariableDefinitionNode, *_where: Any) -> None:
        """Store the name of the variable for messages. Its default value is visited next."""
        self._place = f"${node.variable.name.value}"

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        """Report each problem of a literal value, with the place of the problem."""
        if input_type is not None:

            def report(error: GraphQLError, path: list[str | int]) -> None:
                inside = f" at {'.'.join(map(str, path))}" if path else ""
                # "None" is Python's word for null.
                message = without_values(error.message).replace("not to be None.", "not to be null.")
                self.report_error(GraphQLError(f"{self._place}{inside}: {message}", error.nodes))

            validate_input_literal(node, input_type, report, None, None, self.context.hide_suggestions)
        return SKIP
