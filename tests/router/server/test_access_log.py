"""The one log line of a request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from structlog.testing import capture_logs

if TYPE_CHECKING:
    from collections.abc import Callable

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
