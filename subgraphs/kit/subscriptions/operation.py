"""The operation of a subscription: checked as an operation over HTTP, and executed again for each event."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLError, OperationType, create_source_event_stream
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from servicekit.errors import ServiceError
from subgraphs.kit.bounded_execution import execute_counted
from subgraphs.kit.delegated_scopes import check_scopes
from subgraphs.kit.graphql_errors import format_error
from subgraphs.kit.operation_checks import Operation, OperationNotFound, check_operation, read_operation
from subgraphs.kit.subscriptions.messages import ClientMessage, CloseCode, Closed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.request_limits import RequestLimits
    from subgraphs.kit.schema import SubgraphSchema


@dataclass(frozen=True, slots=True)
class Subscription:
    """A valid operation of the type subscription."""

    schema: SubgraphSchema
    limits: RequestLimits
    operation: Operation
    variables: Mapping[str, Any]

    async def events(self, context: BaseContext) -> AsyncGenerator[object, None]:
        """Call the resolver, and yield its events.

        Raises:
            GraphQLError: the subscription is refused, or its resolver failed.
        """
        check_scopes(self.schema, self.operation, context.caller_if_any)
        executor = StrawberryGraphQLCoreExecutionContext.build(
            self.schema.graphql,
            self.operation.document,
            context_value=context,
            raw_variable_values=dict(self.variables),
            operation_name=self.operation.name,
        )
        if isinstance(executor, Sequence):
            raise executor[0]
        created = create_source_event_stream(executor)
        source: Any = await created if isinstance(created, Awaitable) else created
        if isinstance(source, ExecutionResult):
            raise (source.errors or [bad_request("the operation has no events")])[0]
        try:
            async with aclosing(source):
                async for event in source:
                    yield event
        except ServiceError as error:
            raise GraphQLError(error.message, original_error=error) from error

    async def payload(self, context: BaseContext) -> dict[str, object]:
        """Execute the operation for `context.event`, and return the payload of the message `next`."""
        result = await execute_counted(
            self.schema.graphql, self.operation, self.variables, context, self.limits.objects
        )
        errors = [format_error(error, self.limits) for error in result.errors or ()]
        return {"data": result.data, **({"errors": errors} if errors else {})}


def read_subscription(message: ClientMessage, schema: SubgraphSchema, limits: RequestLimits) -> Subscription:
    """Return the subscription of the message `subscribe`.

    Raises:
        Closed: the payload is not a GraphQL request.
        InvalidDocument: the operation is not valid, or exceeds a limit.
        GraphQLError: the operation is not a subscription.
    """
    query, variables = message.payload.get("query"), message.payload.get("variables")
    name = message.payload.get("operationName")
    if not isinstance(query, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise Closed(CloseCode.BAD_REQUEST, "`query`, `variables` or `operationName` has a wrong type")
    try:
        operation = read_operation(query, name)
    except OperationNotFound:
        raise bad_request("`operationName` must name one of the document's operations") from None
    check_operation(schema.graphql, operation, variables or {}, limits)
    if operation.kind is not OperationType.SUBSCRIPTION:
        raise bad_request("send queries and mutations over HTTP")
    return Subscription(schema, limits, operation, variables or {})


def bad_request(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})
