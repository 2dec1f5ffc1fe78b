"""A gateway that keeps the requests it gets, for tests of the server."""

from __future__ import annotations

from decimal import Decimal

from router.request.log_fields import RequestRecord
from router.request.request_and_response import GraphQLRequest, GraphQLResponse, Outcome

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


class Recorder:
    """An `Execute` that keeps the requests and gives one response, with the `outcome` and `record` set on it."""

    def __init__(self) -> None:
        self.requests: list[GraphQLRequest] = []
        self.outcome = Outcome.EXECUTED
        self.record = RequestRecord(
            operation_name="Q",
            operation_kind="query",
            operation_hash="h",
            fetches=2,
            parse=0.001,
            validate=0.002,
            plan=0.003,
            execute=0.009,
            fetch=0.004,
        )

    async def __call__(self, request: GraphQLRequest) -> GraphQLResponse:
        self.requests.append(request)
        return GraphQLResponse(body={"data": {"n": Decimal("0.10")}}, outcome=self.outcome, record=self.record)
