"""One short line for each event at a terminal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from servicekit.logging import configure
from servicekit.settings import ProcessSettings, load
from servicekit.terminal_log import TerminalRenderer

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.usefixtures("logging_as_before")

REQUEST = {
    "event": "request",
    "method": "POST",
    "path": "/graphql",
    "status": 200,
    "ms": 37.6,
    "operation": "Me",
    "fetches": 4,
    "errors": 0,
    "bytes": 512,
    "level": "info",
    "logger": "access",
    "timestamp": "2026-01-01T00:00:00Z",
    "service": "router",
    "pid": 7,
    "request_id": "req_1",
    "trace_id": "abc",
}


def line(fields: Mapping[str, object], *, details: bool = False, colours: bool = False) -> str:
    renderer = TerminalRenderer(colours=colours, details=details)
    return renderer(None, "info", dict(fields))


def test_a_request_shows_what_a_person_looks_for_first() -> None:
    assert line(REQUEST) == "POST /graphql  200  37.6 ms  Me  4 fetches  req_1"


def test_a_failed_request_shows_its_errors() -> None:
    fields = {**REQUEST, "fetches": 1, "errors": 2, "error_codes": ["A", "B"], "status": 503, "code": "OVERLOADED"}
    assert line(fields) == "POST /graphql  503  37.6 ms  Me  1 fetch  2 errors  OVERLOADED  A, B  req_1"


def test_details_follow_with_the_level_debug() -> None:
    shown = line(REQUEST, details=True)
    assert shown.startswith("POST /graphql  200  37.6 ms  Me  4 fetches  bytes=512")
    assert all(text in shown for text in ("service=router", "pid=7", "trace_id=abc", "level=info"))


def test_other_events_show_their_level_from_warning_on_and_their_fields() -> None:
    fields = {"level": "info", "logger": "server", "service": "auth", "pid": 7, "port": 3001}
    assert line({"event": "listening", **fields}) == "listening  port=3001"
    assert line({"event": "reload", **fields, "level": "warning"}) == "warning  reload  port=3001"


def test_colours_are_by_status_and_level() -> None:
    assert "\x1b[32m200" in line(REQUEST, colours=True)
    assert "\x1b[31m503" in line({**REQUEST, "status": 503}, colours=True)
    assert "\x1b[33m" in line({"event": "x", "level": "warning"}, colours=True)


@pytest.mark.parametrize("text", ["a\nERROR b", "a\x1b[2Jb", "a\rb", "a\u2028b", "a\x00b"])
def test_no_value_can_forge_a_line_or_move_the_cursor(text: str) -> None:
    for shown in (
        line({"event": text, "value": text}),
        line({**REQUEST, "path": text, "operation": text, "code": text}),
    ):
        assert shown.isprintable()


def test_the_level_debug_shows_details_and_forced_colours_work(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    variables = {"MOSAFE_LOG_FORMAT": "text", "MOSAFE_LOG_LEVEL": "debug"}
    configure("auth", load(ProcessSettings, variables))
    structlog.stdlib.get_logger("here").info("hello", count=3)
    logging.getLogger("library").error("from a library")
    hello, library = capsys.readouterr().out.splitlines()
    assert hello.startswith("\x1b[1mhello")
    assert "logger" in hello
    assert "from a library" in library


def test_no_color_wins(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    configure("auth", load(ProcessSettings, {"MOSAFE_LOG_FORMAT": "text"}))
    structlog.stdlib.get_logger("here").warning("hello", count=3)
    assert capsys.readouterr().out == "warning  hello  count=3\n"
