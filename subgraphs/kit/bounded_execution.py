"""Executes one operation, and stops it when it exceeds a limit of objects or time, or when its client leaves.

```
run_within ── starts ──> execute_counted (a task) ── resolves ──> shared results, loaders ──> store
    ├── its work is done                     ──> its result
    ├── `seconds` have passed                ──> cancelled, TimedOut
    ├── the client has gone                  ──> cancelled, ClientGone
    └── more objects than allowed            ──> cancelled, QUERY_TOO_EXPENSIVE
```

If the work is cancelled, the tasks of the executor, the shared results and the loaders are cancelled too. A running
query of a store is interrupted (`servicekit.sqlite`). So when `run_within` (`servicekit.client_disconnects`) returns,
nothing of the request is still running.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from graphql import ExecutionResult, execute
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from subgraphs.kit.limit_checks import too_expensive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema

    from subgraphs.kit.context import BaseContext
    from subgraphs.kit.operation_checks import Operation

MAX_INTROSPECTED: Final = 20_000


class ObjectBudget:
    """Counts the objects of one request.

    Objects of introspection are not counted, because they have their own limit.

    Attributes:
        owner: the task that executes the operation; it is cancelled when there are too many objects.
        executor: the executor, once the variables of the operation are valid.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.resolved = 0
        self.owner = asyncio.current_task()
        self.executor: CountingExecutor | None = None
        self._introspected = 0
        self.is_exceeded = False

    def count(self, type_: GraphQLObjectType) -> None:
        """Count one object. Raises a GraphQLError with `QUERY_TOO_EXPENSIVE` when there are too many."""
        if type_.name.startswith("__"):
            self._introspected += 1
        else:
            self.resolved += 1
        if self.resolved <= self.limit and self._introspected <= MAX_INTROSPECTED:
            return
        if not self.is_exceeded and self.owner is not None:
            self.owner.cancel()
        self.is_exceeded = True
        raise self.error()

    def error(self) -> GraphQLError:
        return too_expensive(max(self.resolved, self._introspected), self.limit)


class CountingExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, extended so that it counts each object before it resolves the object's fields."""

    def __init__(self, *args: Any, budget: ObjectBudget, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._budget = budget
        budget.executor = self

    def complete_object_value(self, return_type: GraphQLObjectType, *args: Any, **kwargs: Any) -> Any:
        self._budget.count(return_type)
        return super().complete_object_value(return_type, *args, **kwargs)

    async def end(self) -> None:
        """Cancel the tasks that graphql-core does not cancel after an error, although nobody needs their results."""
        await _end([*self.background_futures])
        # Both refer to this object. Without these reference cycles, the memory of the request is released now, and not
        # when the garbage collector finds it.
        self._budget.executor = None
        del self.async_helpers


async def execute_counted(
    schema: GraphQLSchema, operation: Operation, variables: Mapping[str, Any], context: BaseContext, limit: int
) -> ExecutionResult:
    """Execute a valid operation. If it has more than `limit` objects, the result is a GraphQLError without data."""
    budget = ObjectBudget(limit)
    try:
        result = execute(
            schema,
            operation.document,
            root_value=context.event,
            variable_values=dict(variables),
            operation_name=operation.name,
            context_value=context,
            executor_class=CountingExecutor,
            budget=budget,
        )
        finished = result if isinstance(result, ExecutionResult) else await result
        if not budget.is_exceeded:
            return finished
        await asyncio.sleep(0)  # if the operation awaited nothing, the pending cancellation is raised here
    except asyncio.CancelledError:
        if not budget.is_exceeded:
            raise
    finally:
        await context.shared.cancel()
        if budget.executor is not None:
            await budget.executor.end()
    raise budget.error()


async def _end(futures: list[asyncio.Future[Any]]) -> None:
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)
