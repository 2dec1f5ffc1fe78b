"""What `docs/embedding.md` shows is run here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from router.gateway import Gateway
from router.request.request_and_response import GraphQLRequest
from tests.router.shop import SDL, Shop

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "embedding.md").read_text(encoding="utf-8")


def example(title: str) -> dict[str, Any]:
    """The names that the one block of code under a heading defines."""
    section = PAGE.split(f"## Example: {title}")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "docs/embedding.md", "exec"), names)  # noqa: S102  (our own page)
    return names


async def test_the_router_in_a_fastapi_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "supergraph.graphql").write_text(SDL)
    monkeypatch.chdir(tmp_path)
    shop = Shop()
    app = example("in a FastAPI application")["create_app"](send=shop)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://blue.example") as client:
        named = await client.post("/api/graphql", json={"query": "query Me { me { name } }"})
        assert named.json() == {"data": {"me": {"name": "Ada"}}}
        assert shop.requests[0].headers["x-tenant"] == "blue"
        nameless = await client.post("/api/graphql", json={"query": "{ me { name } }"})
        assert nameless.json()["errors"][0]["extensions"]["code"] == "OPERATION_NAME_REQUIRED"
        assert (await client.get("/api/health/live")).json() == {"status": "live"}
        assert (await client.get("/api/health/ready")).json() == {"status": "ready"}


async def test_timing_in_the_response() -> None:
    timing = example("how long each subgraph took")["Timing"]()
    gateway = Gateway.from_supergraph(SDL, send=Shop(), stages=[timing])
    query = "{ me { name orders { id } } }"
    plain = await gateway.execute(GraphQLRequest(query=query))
    assert "extensions" not in plain.body
    timed: Any = (await gateway.execute(GraphQLRequest(query=query, headers={"x-timing": "1"}))).body
    assert [entry["subgraph"] for entry in timed["extensions"]["timing"]] == ["people", "orders"]
    assert all(entry["ms"] >= 0 for entry in timed["extensions"]["timing"])
