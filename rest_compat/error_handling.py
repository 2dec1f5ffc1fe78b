"""Converts the exceptions that a request can raise into error responses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect

from rest_compat import error_translation
from rest_compat.errors import RestError, RouterError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.responses import Response

_log = structlog.stdlib.get_logger("rest")


def log_missing_response(error: RouterError) -> None:
    """Log why the router gave no response. The client does not get this reason."""
    _log.warning("no response from the router", kind=type(error).__name__, reason=str(error))


async def response_or_error(
    responding: Awaitable[Response], to_response: Callable[[RestError], Response]
) -> Response | None:
    """Await `responding` and return its response. If it raises a `RestError`, return the result of `to_response`.

    Return None after `ClientDisconnect`, because there is no client to receive a response.
    """
    try:
        return await responding
    except RestError as error:
        return to_response(error)
    except ClientDisconnect:
        return None
    except asyncio.CancelledError:  # requests are cancelled only when the process stops, after the grace period
        return to_response(error_translation.unavailable())
    except Exception:  # noqa: BLE001 - every other error is logged, and the response is a plain 500
        _log.exception("unexpected error")
        return to_response(error_translation.internal())
