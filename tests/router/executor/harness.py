"""Execute hand-written plans with scripted subgraphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import build_schema, parse, validate

from router.errors import TransportError
from router.executor.context_and_result import ExecutionContext
from router.executor.graphql.variable_coercion import coerce
from router.executor.interpreter.execution import execute
from router.get_operation import get_operation
from router.plan import QueryPlan
from router.transport.interface import SubgraphResponse
from tests.router.plan.fetches import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from router.executor.context_and_result import ExecutionResult
    from router.plan import PlanNode
    from router.transport.interface import SubgraphRequest

ScriptedResponse = dict[str, object] | SubgraphResponse | TransportError


@dataclass(slots=True)
class Scripted:
    """A transport whose subgraphs are functions from a request to a response, its body, or a failure."""

    subgraphs: Mapping[str, Callable[[SubgraphRequest], ScriptedResponse]]
    requests: list[SubgraphRequest] = field(default_factory=list)

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        self.requests.append(request)
        response = self.subgraphs[request.subgraph](request)
        if isinstance(response, TransportError):
            raise response
        return response if isinstance(response, SubgraphResponse) else SubgraphResponse.of(response)

    async def aclose(self) -> None:
        self.requests.clear()

    def sent(self, subgraph: str) -> list[Mapping[str, object]]:
        """Return the variables of each request to the subgraph."""
        return [request.variables for request in self.requests if request.subgraph == subgraph]


def responds(*bodies: ScriptedResponse) -> Callable[[SubgraphRequest], ScriptedResponse]:
    """Return a subgraph that sends these responses in turn, without regard to the requests."""
    remaining = iter(bodies)
    return lambda _request: next(remaining)


async def run(
    sdl: str,
    query: str,
    node: PlanNode | None,
    transport: Scripted,
    variables: Mapping[str, object] | None = None,
    *,
    deadline: float | None = None,
) -> ExecutionResult:
    """Execute `query` with the plan `node`; the API schema is the whole schema."""
    schema = build_schema(sdl)
    document = parse(query)
    assert validate(schema, document) == []
    operation = get_operation(schema, document)
    context = ExecutionContext(schema, transport, coerce(operation, variables or {}), deadline=deadline)
    return await execute(QueryPlan(node), operation, context)


async def completed(
    sdl: str, query: str, data: dict[str, object] | None, errors: list[dict[str, object]] | None = None
) -> ExecutionResult:
    """Return the completed response when one subgraph resolves the whole query with `data` and `errors`."""
    body: dict[str, object] = {"data": data} | ({"errors": errors} if errors else {})
    return await run(sdl, query, fetch(0, "one", query, "query"), Scripted({"one": responds(body)}))
