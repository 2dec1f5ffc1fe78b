"""`HttpRequest`: an HTTP request as ASGI describes it, with its headers and its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router.settings.sections.limits import LimitName
    from servicekit.asgi import Receive, Scope


class HttpRequest(msgspec.Struct, frozen=True):
    """One HTTP request.

    `deadline` is the time on the event loop's clock at which the response must be complete. `exceeds` collects the
    limits in measure mode that the request exceeds.
    """

    scope: Scope
    receive: Receive
    headers: Mapping[str, str]
    deadline: float
    exceeds: list[LimitName]

    @property
    def path(self) -> str:
        """The path without the prefix under which the application is mounted (`root_path` in ASGI)."""
        path: str = self.scope["path"]
        return path.removeprefix(self.scope.get("root_path", ""))


def headers_by_name(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by lower-case name.

    The values of a repeated header are joined with a comma (RFC 9110 §5.3), cookies with a semicolon (RFC 6265 §5.4).
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            headers[name] += ("; " if name == "cookie" else ", ") + value
        else:
            headers[name] = value
    return headers
