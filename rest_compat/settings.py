"""The settings of the REST layer."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from bank.settings import BankSettings
from rest_compat.bulkheads import BulkheadLimits
from servicekit.settings import Port

# Beside the packages in a checkout, whatever the working directory is.
_CHECKED_IN = Path(__file__).parent.parent / "supergraph.graphql"


class RestSettings(BankSettings):
    """Settings of the REST layer.

    Attributes:
        router_url: the router's GraphQL endpoint.
        supergraph: the composed schema that the operations are checked against at start-up.
        concurrency: requests of one kind of route that run at once.
        queue: requests of one kind that wait for a place.
    """

    port: Port = Field(8000, alias="REST_PORT")
    router_url: str = Field("http://127.0.0.1:4000/graphql", alias="ROUTER_URL", pattern=r"^https?://")
    supergraph: Path = Field(_CHECKED_IN, alias="REST_SUPERGRAPH")
    concurrency: int = Field(40, alias="REST_CONCURRENCY", ge=1, le=10_000)
    queue: int = Field(80, alias="REST_QUEUE", ge=0, le=100_000)

    @property
    def bulkheads(self) -> BulkheadLimits:
        return BulkheadLimits(self.concurrency, self.queue)
