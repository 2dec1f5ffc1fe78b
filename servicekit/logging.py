"""Structured logs: one line per event, JSON for machines, short coloured text for a terminal.

Every line names the service, the process and its worker, and within a request the request id and the trace id.
Libraries that use `logging`, such as uvicorn, write the same format. Values whose names suggest a secret are replaced
before a line is written.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

import structlog

from servicekit import request_ids
from servicekit.background_log_writer import BackgroundLogHandler, BackgroundLogWriter
from servicekit.request_log_lines import RequestLogLines
from servicekit.terminal_log import TerminalRenderer
from servicekit.value_in_context import ValueInContext

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from structlog.typing import EventDict, Processor, WrappedLogger

    from servicekit.settings import ProcessSettings

_SECRET_NAME = re.compile(r"password|secret|token|authorization|cookie|credential", re.IGNORECASE)
REDACTED = "[redacted]"
# Matches e-mail addresses, and all texts that are long enough to be a token or a key.
_PRIVATE_LOOK = re.compile(r"[^\s@]+@[^\s@]+|[A-Za-z0-9+/=_.~-]{40,}")

# These loggers write a line for each request, or for each step of a shutdown. Our own log lines contain the same facts.
# So only the warnings and errors of these loggers are written.
_QUIET = ("httpx", "httpcore", "asyncio", "uvicorn.error")


def without_private_parts(text: str) -> str:
    """Replace everything in `text` that looks like an e-mail address or a token.

    The client can choose `text` freely.
    """
    return _PRIVATE_LOOK.sub(REDACTED, text)


def configure(service: str, settings: ProcessSettings, *, in_background: bool = False) -> None:
    """Write the records of structlog and of `logging` to standard output in one format.

    If `in_background` is true, a thread writes the lines (`servicekit.background_log_writer`), unless they are text for
    a person at a terminal.
    """
    as_text = settings.log_format == "text" or (
        settings.log_format == "auto" and not settings.is_production and sys.stdout.isatty()
    )
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
    # No line contains what these flags make each record find out.
    logging.logThreads = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.setLevel(settings.log_level.upper())
    handler: logging.Handler = logging.StreamHandler(sys.stdout)
    writer = BackgroundLogWriter(sys.stdout.buffer) if in_background and not as_text else None
    if writer is not None:
        handler = BackgroundLogHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(settings, as_text=as_text))
    )
    root.handlers = [handler]
    _fast.writer = writer
    _fast.lines = (
        RequestLogLines(writer, _fields_of_process(service)) if writer and root.isEnabledFor(logging.INFO) else None
    )
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Fast:
    """The log writers that `configure` has made. Both are None if no thread writes the lines."""

    def __init__(self) -> None:
        self.writer: BackgroundLogWriter | None = None
        self.lines: RequestLogLines | None = None


_fast = _Fast()


def request_lines() -> RequestLogLines | None:
    """Return the fast writer of the log lines of requests. Return None if structlog must write these lines."""
    return _fast.lines if _personal.get() is None else None


def flush() -> None:
    """Write the lines that wait in the background."""
    if _fast.writer is not None:
        _fast.writer.flush()


def background_status() -> Mapping[str, int]:
    """Return how many log lines wait, and how many were dropped. Without a background writer, both are 0."""
    return _fast.writer.status() if _fast.writer is not None else {"waiting": 0, "dropped": 0}


def _fields_of_process(service: str) -> dict[str, object]:
    return {"service": service, "pid": os.getpid(), **_process_fields}


def _processors(service: str) -> Sequence[Processor]:
    def add_service(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.update(_fields_of_process(service))
        return event

    return (
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
        add_request,
        redact,
    )


def _renderers(settings: ProcessSettings, *, as_text: bool) -> list[Processor]:
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    # Personal values are removed after exceptions are formatted, because the text of an exception may contain any
    # value.
    last: list[Processor] = [remove_meta, structlog.processors.format_exc_info, scrub]
    if as_text:
        return [*last, TerminalRenderer(colours=_wants_colours(), details=settings.log_level == "debug")]
    return [*last, structlog.processors.JSONRenderer(default=str)]


def _wants_colours() -> bool:
    """Whether text is coloured: on a terminal, or if `FORCE_COLOR` is set; never if `NO_COLOR` is set."""
    return not os.environ.get("NO_COLOR") and (sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR")))


_process_fields: dict[str, object] = {}


def name_worker(index: int) -> None:
    """Add the number of this worker process (`index`) to each log line from now on."""
    _process_fields["worker"] = index


def add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the current request, if there is one."""
    ids = request_ids.current()
    if ids is not None:
        event["request_id"] = ids.request_id
        event["trace_id"] = ids.trace_id
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the values whose names suggest a secret, including those in nested mappings and lists."""
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


class PersonalValues(Protocol):
    """The personal data of a request. It must not be in any log line."""

    @property
    def names(self) -> frozenset[str]:
        """Return the keys whose values are personal. The keys may be in a log line or in a mapping inside it."""
        ...

    def values(self) -> Collection[str]:
        """Return the personal texts, which must not occur in any place of a log line.

        This method is called only when a line is written.
        """
        ...


_personal: ContextVar[PersonalValues | None] = ContextVar("personal", default=None)


def hide_personal_values(personal: PersonalValues) -> ValueInContext[PersonalValues | None]:
    """Hide `personal` from the log inside the block, for this task and the tasks that it starts."""
    return ValueInContext(_personal, personal)


def scrub(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the personal data of the current request. Programs that configure structlog themselves can use it too."""
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
