"""The port for probes answers the two health paths, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from servicekit.probe_port import ProbesOnly

if TYPE_CHECKING:
    from servicekit.asgi import Message, Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/graphql", 404),
        ("/", 404),
        ("/health", 404),
        ("/health/ready/", 404),
        ("/health/ready/../../graphql", 404),
    ],
)
async def test_only_health_paths_reach_the_application(path: str, status: int) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {}

    await ProbesOnly(app)({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    assert sent[0]["status"] == status
