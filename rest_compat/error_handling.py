"""Turns whatever ends the handling of a request into a response."""

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
    """Log why the router gave no response. The client is not told."""
    _log.warning("no response from the router", kind=type(error).__name__, reason=str(error))


async def response_or_error(
    responding: Awaitable[Response], to_response: Callable[[RestError], Response]
) -> Response | None:
    """Return the response, or what `to_response` makes of the error.

    Return None if the client has left before anything was changed, because nobody receives a response.
    """
    try:
        return await responding
    except RestError as error:
        return to_response(error)
    except ClientDisconnect:
        return None
    except asyncio.CancelledError:  # only a shutdown cancels a request, at the end of the grace period
        return to_response(error_translation.unavailable())
    except Exception:  # noqa: BLE001 - every other error is logged, and the response is a plain 500
        _log.exception("unexpected error")
        return to_response(error_translation.internal())
