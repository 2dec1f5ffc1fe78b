"""Renders a log event as one short line for a person at a terminal.

    POST /graphql  200  37.6 ms  Me  4 fetches  req_8f2c...
    warning  reload  result=refused  reason=router.yaml:3: server.prot: unknown key

The line of a request begins with the most important fields. If `details` is true, all other fields follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

# Fields that are already in the prefix of the line, or that are the same on all lines in this terminal.
_ALWAYS_THE_SAME: Final = ("level", "logger", "timestamp", "service", "pid", "worker", "trace_id")
_LEVEL_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "red"}
# The colours of statuses: 500 and above are faults of the server, 400 and above mistakes of the client, 300 and above
# redirects. All others are green.
_STATUS_COLOURS: Final = ((500, "red"), (400, "yellow"), (300, "cyan"), (0, "green"))
_GAP: Final = "  "


class TerminalRenderer:
    """The last processor of structlog: it renders a log event as a line of text for a terminal."""

    def __init__(self, *, colours: bool, details: bool) -> None:
        self._colours = colours
        self._details = details

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        fields = dict(event)
        traceback = fields.pop("exception", None)
        parts = self._request(fields) if _is_request(fields) else self._event(fields)
        line = _GAP.join(part for part in parts if part)
        return f"{line}\n{traceback}" if traceback else line

    def _request(self, fields: EventDict) -> list[str]:
        status = int(fields.pop("status"))
        colour = next(colour for first, colour in _STATUS_COLOURS if status >= first)
        parts = [
            self._style(f"{fields.pop('method')} {_one_line(fields.pop('path'))}", bold=True),
            self._style(str(status), fg=colour),
            f"{fields.pop('ms')} ms",
            _one_line(fields.pop("operation", "")),
            _counted(fields.pop("fetches", 0), "fetch", "fetches"),
            self._style(_counted(fields.pop("errors", 0), "error", "errors"), fg="red"),
            self._style(_one_line(fields.pop("code", "")), fg="red"),
            _one_line(", ".join(map(str, fields.pop("error_codes", None) or ()))),
        ]
        request_id = str(fields.pop("request_id", ""))
        del fields["event"]
        return [*parts, self._rest(fields) if self._details else "", self._style(request_id, dim=True)]

    def _event(self, fields: EventDict) -> list[str]:
        level = str(fields.get("level", ""))
        name = self._style(level, fg=_LEVEL_COLOURS[level], bold=True) if level in _LEVEL_COLOURS else ""
        event = self._style(_one_line(fields.pop("event", "")), bold=True)
        request_id = str(fields.pop("request_id", ""))
        return [name, event, self._rest(fields), self._style(request_id, dim=True)]

    def _rest(self, fields: EventDict) -> str:
        hidden = () if self._details else _ALWAYS_THE_SAME
        shown = ((name, value) for name, value in fields.items() if name not in hidden)
        return _GAP.join(f"{self._style(name, fg='cyan')}={_one_line(value)}" for name, value in shown)

    def _style(self, text: str, **style: object) -> str:
        return click.style(text, **style) if self._colours and text else text  # type: ignore[arg-type]  # colours by name


def _is_request(fields: EventDict) -> bool:
    return fields.get("event") == "request" and {"method", "path", "status", "ms"} <= fields.keys()


def _counted(count: object, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}" if count else ""


def _one_line(value: object) -> str:
    """Return `value` without characters that could forge a line or move the cursor."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in str(value))
