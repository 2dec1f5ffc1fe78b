"""The one log line of a request."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from structlog.testing import capture_logs

from router.server import access_log
from servicekit.background_log_writer import BackgroundLogWriter
from servicekit.request_log_lines import RequestLogLines

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.router.server.asgi_client import AsgiClient


async def test_one_line_tells_of_a_request_and_nothing_of_its_content(client: Callable[..., AsgiClient]) -> None:
    payload = {"query": "query Q { secretField }", "variables": {"password": "geheim"}}
    with capture_logs() as lines:
        await client().post(payload, apollographql_client_name="web", apollographql_client_version="1")
    (line,) = lines
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"], line["bytes"]) == ("POST", "/graphql", 200, 19)
    assert (line["operation"], line["operation_kind"], line["operation_hash"]) == ("Q", "query", "h")
    assert (line["fetches"], line["client"], line["client_version"]) == (2, "web", "1")
    assert line["request_bytes"] == len(json.dumps(payload))
    assert {"document_cached", "plan_cached", "errors"} <= line.keys()
    durations = {name: line[f"{name}_ms"] for name in ("parse", "validate", "plan", "fetch", "complete")}
    assert durations == {"parse": 1.0, "validate": 2.0, "plan": 3.0, "fetch": 4.0, "complete": 5.0}
    assert "geheim" not in str(line)
    assert "secretField" not in str(line)


async def test_a_refusal_is_logged_with_its_code(client: Callable[..., AsgiClient]) -> None:
    with capture_logs() as lines:
        await client().get("query=" + quote("{ geheim }") + "&variables=no")
    (line,) = lines
    assert (line["status"], line["code"]) == (400, "BAD_REQUEST")
    assert "geheim" not in str(line)


async def test_a_text_that_cannot_be_encoded_is_logged_by_structlog(
    client: Callable[..., AsgiClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing:
        def write(self, _fields: object) -> bool:
            return False

    monkeypatch.setattr(access_log, "request_lines", Refusing)
    with capture_logs() as lines:
        await client().get("query=no")
    (line,) = lines
    assert line["event"] == "request"


async def test_the_fast_line_has_the_fields_of_the_captured_line(
    client: Callable[..., AsgiClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    with capture_logs() as lines:
        await client().post({"query": "query Q { field }"})
    stream = io.BytesIO()
    writer = BackgroundLogWriter(stream)
    monkeypatch.setattr(access_log, "request_lines", lambda: RequestLogLines(writer, {"service": "router"}))
    await client().post({"query": "query Q { field }"})
    writer.flush()
    (captured,), fast = lines, json.loads(stream.getvalue())
    of_one_run = {"ms", "log_level"}
    assert {name: fast[name] for name in captured if name not in of_one_run} == {
        name: value for name, value in captured.items() if name not in of_one_run
    }
