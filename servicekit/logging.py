"""Structured logs: one line an event, JSON for machines, coloured text for a terminal.

Every line has the service, and within a request its request id and trace id. Lines of libraries that log through
`logging` (uvicorn, say) take the same road. Values under names that suggest a secret never leave the process.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import structlog

from servicekit import context

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from types import TracebackType

    from structlog.typing import EventDict, Processor, WrappedLogger

    from servicekit.settings import ProcessSettings

_SECRET_NAME = re.compile(r"password|secret|token|authorization|cookie|credential", re.IGNORECASE)
REDACTED = "[redacted]"

# Chatty below warning: a line per request or per step of a shutdown, which our own lines tell already.
_QUIET = ("httpx", "httpcore", "aiosqlite", "asyncio", "uvicorn.error")


def configure(service: str, settings: ProcessSettings) -> None:
    """Send structlog's and the standard library's records to standard output in one format."""
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stdout.isatty())
    shared = _processors(service)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(as_text=as_text))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _processors(service: str) -> Sequence[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return (
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        add_request,
        redact,
    )


def _renderers(*, as_text: bool) -> list[Processor]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # After exceptions have become text: theirs may quote anything.
    last: list[Processor] = [remove_meta, structlog.processors.format_exc_info, scrub]
    if as_text:
        # Plain tracebacks: the prettier ones print local variables, and those hold tokens and personal data.
        console = structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
        return [*last, console]
    return [*last, structlog.processors.JSONRenderer(default=str)]


def add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the request being served, if any."""
    request = context.current()
    if request is not None:
        event["request_id"] = request.request_id
        event["trace_id"] = request.trace_id
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank the values of names that suggest a secret, in nested mappings and lists too."""
    for name, value in event.items():
        event[name] = _redacted(name, value)
    return event


def _redacted(name: object, value: object) -> object:
    if isinstance(name, str) and _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _redacted(key, entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_redacted(None, entry) for entry in value]
    return value


class Personal(Protocol):
    """What no line may tell while it is current: values under these names, and these values anywhere in a text."""

    @property
    def names(self) -> frozenset[str]:
        """Keys of mappings, and of lines themselves."""
        ...

    def values(self) -> Collection[str]:
        """Texts; asked for only when a line is written."""
        ...


_personal: ContextVar[Personal | None] = ContextVar("personal", default=None)


class Hiding:
    """Makes `personal` current inside its block, for this task and what it starts. On the way of every request."""

    __slots__ = ("_personal", "_token")

    def __init__(self, personal: Personal) -> None:
        self._personal = personal

    def __enter__(self) -> None:
        self._token = _personal.set(self._personal)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _personal.reset(self._token)


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank what is personal in the request being served. A program that configures structlog itself can use it too."""
    personal = _personal.get()
    if personal is None:
        return event
    longest_first = sorted(personal.values(), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
    return {name: _scrubbed(name, value, personal.names, pattern) for name, value in event.items()}


def _scrubbed(name: object, value: object, names: frozenset[str], pattern: re.Pattern[str] | None) -> object:
    if name in names:
        return REDACTED
    if isinstance(value, str):
        return pattern.sub(REDACTED, value) if pattern is not None else value
    if isinstance(value, Mapping):
        return {key: _scrubbed(key, entry, names, pattern) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(None, entry, names, pattern) for entry in value]
    return value
