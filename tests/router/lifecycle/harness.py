"""A live router over the files of a test, driven through its ASGI application."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from router.lifecycle.build_gateway import FileLocations
from router.lifecycle.router_process import RouterProcess
from tests.router.server.asgi_client import AsgiClient
from tests.router.shop import SDL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

SECONDS = 60
QUICK = "reload: {watch_interval: 10ms}\nintrospection: true\n"


def sdl(version: int) -> str:
    """The shop's supergraph, with a field `v<version>` of Query."""
    return SDL.replace("  me: User", f"  v{version}: Int @join__field(graph: PEOPLE)\n  me: User", 1)


def write(folder: Path, version: int, settings: str = QUICK) -> FileLocations:
    """The files of a router."""
    (folder / "supergraph.graphql").write_text(sdl(version))
    (folder / "router.yaml").write_text(settings)
    return FileLocations(folder / "router.yaml", str(folder / "supergraph.graphql"), {})


class Live:
    """A router that runs."""

    def __init__(self, router: RouterProcess) -> None:
        self.router = router
        self.client = AsgiClient(router.asgi)

    async def version(self) -> str:
        """The one field `v<number>` of Query that clients see."""
        response = await self.client.post({"query": '{ __type(name: "Query") { fields { name } } }'})
        names: list[str] = [field["name"] for field in response.json["data"]["__type"]["fields"]]
        return next(name for name in names if name.startswith("v"))

    async def status(self) -> Any:
        (status,) = await self.router.status()
        return status

    async def until(self, condition: Callable[[Any], bool]) -> Any:
        """The first status that fulfils `condition`."""
        async with asyncio.timeout(SECONDS):
            while not condition(status := await self.status()):
                await asyncio.sleep(0.01)
            return status

    async def ready(self) -> int:
        response = await self.client.send("GET", "/health/ready")
        assert response is not None
        return response.status


@asynccontextmanager
async def running(origin: FileLocations, meanwhile: Callable[[], object] = tuple) -> AsyncIterator[Live]:
    """A router from its start to its end, as a server would run it; `meanwhile` is before it is served."""
    router = RouterProcess(origin)
    router.start()
    meanwhile()
    lifespan_messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    said: asyncio.Queue[Any] = asyncio.Queue()
    life = asyncio.ensure_future(router.asgi({"type": "lifespan"}, lifespan_messages.get, said.put))
    await lifespan_messages.put({"type": "lifespan.startup"})
    assert (await said.get())["type"] == "lifespan.startup.complete"
    try:
        yield Live(router)
    finally:
        await lifespan_messages.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(life, SECONDS)
