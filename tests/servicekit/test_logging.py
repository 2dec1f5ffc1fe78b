from __future__ import annotations

import json
import logging
import os
from typing import Any

import pytest
import structlog

from servicekit import request_ids
from servicekit.logging import REDACTED, configure, without_private_parts
from servicekit.request_ids import RequestIds
from servicekit.settings import ProcessSettings, load

pytestmark = pytest.mark.usefixtures("logging_as_before")


def settings(**variables: str) -> ProcessSettings:
    return load(ProcessSettings, {"MOSAFE_LOG_FORMAT": "json", **variables})


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object_with_service_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auth", settings())
    structlog.stdlib.get_logger("here").info("hello", response=42)
    (line,) = lines(capsys)
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("pid") == os.getpid()
    assert line == {"event": "hello", "response": 42, "level": "info", "logger": "here", "service": "auth"}


def test_lines_within_a_request_carry_its_ids(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auth", settings())
    request = RequestIds.from_headers("req_1", None)
    with request_ids.serving(request):
        structlog.stdlib.get_logger("here").info("inside")
        logging.getLogger("library").warning("%s too", "library")
    structlog.stdlib.get_logger("here").info("outside")
    inside, library, outside = lines(capsys)
    assert (inside["request_id"], inside["trace_id"]) == ("req_1", request.trace_id)
    assert (library["event"], library["request_id"]) == ("library too", "req_1")
    assert "request_id" not in outside


@pytest.mark.parametrize(
    "name", ["password", "new_password", "accessToken", "Authorization", "set_cookie", "client_secret", "credentials"]
)
def test_values_under_secret_names_are_not_logged(capsys: pytest.CaptureFixture[str], name: str) -> None:
    configure("auth", settings())
    log = structlog.stdlib.get_logger("here")
    log.info("top", **{name: "hunter2"})
    log.info("nested", headers={"ok": [{name: "hunter2"}]})
    output = capsys.readouterr().out
    assert "hunter2" not in output
    assert output.count(REDACTED) == 2


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_shows_no_local_variables(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    configure("auth", settings(MOSAFE_LOG_FORMAT=log_format))
    local = "hunter" + str(2)
    try:
        raise RuntimeError("on purpose" + local[:0])
    except RuntimeError:
        structlog.stdlib.get_logger("here").exception("failed")
    output = capsys.readouterr().out
    assert "RuntimeError: on purpose" in output
    assert "hunter2" not in output


def test_text_is_one_line_per_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auth", settings(MOSAFE_LOG_FORMAT="text"))
    structlog.stdlib.get_logger("here").info("hello", forged="a\nERROR b")
    (line,) = capsys.readouterr().out.splitlines()
    assert "hello" in line


def test_levels_below_the_configured_one_are_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("auth", settings(MOSAFE_LOG_LEVEL="warning"))
    structlog.stdlib.get_logger("here").info("quiet")
    logging.getLogger("httpx").info("quiet")
    structlog.stdlib.get_logger("here").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("web 1.2.3-beta+build", "web 1.2.3-beta+build"),
        ("web of ann@example.com", "web of [redacted]"),
        ("eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxIn0.c2ln", "[redacted]"),
        ("018f4e6a-7b1c-7def-8a2b-123456789abc", "018f4e6a-7b1c-7def-8a2b-123456789abc"),
    ],
)
def test_what_looks_like_an_address_or_a_token_is_not_logged(text: str, logged: str) -> None:
    assert without_private_parts(text) == logged
