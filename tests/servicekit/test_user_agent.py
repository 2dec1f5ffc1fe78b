from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from servicekit import user_agent
from servicekit.user_agent import MAX_LENGTH, UserAgentMiddleware

if TYPE_CHECKING:
    from servicekit.asgi import Receive, Scope, Send


async def seen(*headers: tuple[bytes, bytes], kind: str = "http") -> str:
    found: list[str] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        found.append(user_agent.current())

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    await UserAgentMiddleware(app)({"type": kind, "headers": list(headers)}, nothing, nothing)
    assert user_agent.current() == ""
    return found[0]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"Mozilla/5.0 (X11; Linux)", "Mozilla/5.0 (X11; Linux)"),
        (b"", ""),
        (b"a\tb\x01c\xe9\xffd", "abcd"),
        (b"x" * 10_000, "x" * MAX_LENGTH),
    ],
)
async def test_the_text_of_the_client_is_known_during_its_request(sent: bytes, expected: str) -> None:
    assert await seen((b"accept", b"*/*"), (b"user-agent", sent)) == expected


async def test_without_a_header_and_outside_http_nothing_is_known() -> None:
    assert await seen() == ""
    assert await seen((b"user-agent", b"x"), kind="websocket") == ""


def test_the_text_is_sent_to_the_next_process() -> None:
    assert user_agent.outgoing_headers() == {}
    with user_agent.serving("Mozilla/5.0"):
        assert user_agent.outgoing_headers() == {"user-agent": "Mozilla/5.0"}
