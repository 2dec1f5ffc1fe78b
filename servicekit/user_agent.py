"""The `User-Agent` of the client that sent a request (RFC 9110 §10.1.5), also behind other processes of the platform.

`UserAgentMiddleware` stores it in a context variable for the time of the request. `outgoing_headers` sends it to the
next process. A client may send any text, so it is never stored or logged as it is.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from servicekit.asgi import header
from servicekit.value_in_context import ValueInContext

if TYPE_CHECKING:
    from servicekit.asgi import ASGIApp, Receive, Scope, Send

HEADER: Final = "user-agent"
# The rest of a longer text is dropped. Real browsers send less than 300 characters.
MAX_LENGTH: Final = 512

_current: ContextVar[str] = ContextVar("user_agent", default="")


def current() -> str:
    """Return the text that the client of the current request sent. Outside a request, the result is empty."""
    return _current.get()


def serving(text: str) -> ValueInContext[str]:
    """Inside the block, `current()` returns `text`, in this task and in the tasks that it starts."""
    return ValueInContext(_current, text)


def outgoing_headers() -> dict[str, str]:
    """Return the header that sends the client's text to another process of the platform."""
    text = current()
    return {HEADER: text} if text else {}


def _printable(text: str) -> str:
    """Return `text` without characters that a header may not have, or that only some servers accept."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if character.isascii() and character.isprintable())


class UserAgentMiddleware:
    """Sets the text that `current` returns while the application serves an HTTP request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = header(scope, HEADER.encode()) if scope["type"] == "http" else None
        if not text:
            await self._app(scope, receive, send)
            return
        with serving(_printable(text[:MAX_LENGTH])):
            await self._app(scope, receive, send)
