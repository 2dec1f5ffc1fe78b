"""What the REST layer can be told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from servicekit.settings import Port, ProcessSettings

# Beside the packages in a checkout, wherever the process was started.
_CHECKED_IN = Path(__file__).parent.parent / "supergraph.graphql"


class RestSettings(ProcessSettings):
    """Settings of the REST layer.

    Attributes:
        router_url: the router's GraphQL endpoint.
        supergraph: the composed schema that the operations are checked against at start-up.
    """

    port: Port = Field(8000, alias="REST_PORT")
    router_url: str = Field("http://127.0.0.1:4000/graphql", alias="ROUTER_URL", pattern=r"^https?://")
    supergraph: Path = Field(_CHECKED_IN, alias="REST_SUPERGRAPH")
