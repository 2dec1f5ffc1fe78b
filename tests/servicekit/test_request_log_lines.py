"""The log line of a request has the fields of structlog's line, in the same order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import structlog

from servicekit import logging, request_ids
from servicekit.request_ids import RequestIds
from servicekit.settings import ProcessSettings, load

pytestmark = pytest.mark.usefixtures("logging_as_before")


class Fields(msgspec.Struct, omit_defaults=True):
    """The fields of a request."""

    method: str
    client: str | None = None


def settings(**variables: str) -> ProcessSettings:
    return load(ProcessSettings, {"MOSAFE_LOG_FORMAT": "json", **variables})


def test_the_fields_are_those_of_structlog(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logging.configure("router", settings(), in_background=True)
    fast = logging.request_lines()
    assert fast is not None
    with request_ids.serving(RequestIds.from_headers("req_1", None)):
        assert fast.write(Fields("POST", 'é "quoted"\n'))
        structlog.stdlib.get_logger("access").info("request", method="POST", client='é "quoted"\n')
    assert fast.write(Fields("GET"))
    logging.flush()
    own, structlogs, outside = map(json.loads, capfdbinary.readouterr().out.splitlines())
    assert list(own) == list(structlogs)
    written = datetime.fromisoformat(own.pop("timestamp"))
    assert datetime.fromisoformat(structlogs.pop("timestamp")) - written < timedelta(seconds=10)
    assert datetime.now(UTC) - written < timedelta(seconds=10)
    assert own == structlogs
    assert "request_id" not in outside
    assert "client" not in outside


def test_a_text_that_is_not_unicode_is_not_written(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    logging.configure("router", settings(), in_background=True)
    fast = logging.request_lines()
    assert fast is not None
    assert not fast.write(Fields("POST", "\ud800"))
    logging.flush()
    assert capfdbinary.readouterr().out == b""


@pytest.mark.parametrize(
    ("variables", "in_background"),
    [({}, False), ({"MOSAFE_LOG_FORMAT": "text"}, True), ({"MOSAFE_LOG_LEVEL": "warning"}, True)],
)
def test_structlog_writes_text_and_filters_levels(variables: dict[str, str], in_background: object) -> None:
    logging.configure("router", settings(**variables), in_background=bool(in_background))
    assert logging.request_lines() is None


def test_personal_values_are_hidden_by_structlog() -> None:
    class Personal:
        names = frozenset({"client"})

        def values(self) -> list[str]:
            return ["Ann"]

    logging.configure("router", settings(), in_background=True)
    with logging.hide_personal_values(Personal()):
        assert logging.request_lines() is None
    assert logging.request_lines() is not None
