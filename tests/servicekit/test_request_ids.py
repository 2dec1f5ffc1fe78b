from __future__ import annotations

import re

import pytest

from servicekit import request_ids
from servicekit.request_ids import RequestIds
from tests.servicekit import processes

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [
        f"00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-00",
        # A later version may append fields, which are ignored.
        f"01-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like",
    ],
)
def test_a_well_formed_traceparent_is_continued(header: str) -> None:
    request = RequestIds.from_headers(None, header)
    assert request.trace_id == TRACE
    assert request.span_id != SPAN
    assert request.traceparent == f"00-{TRACE}-{request.span_id}-{header.split('-')[3]}"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-extra",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.extra",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_a_malformed_traceparent_starts_a_new_trace(header: str | None) -> None:
    request = RequestIds.from_headers(None, header)
    assert request.trace_id != TRACE
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", request.traceparent)


@pytest.mark.parametrize("request_id", ["a", "req_123abc", "A.b-C_9", "x" * 128])
def test_a_well_formed_request_id_is_kept(request_id: str) -> None:
    assert RequestIds.from_headers(request_id, None).request_id == request_id


@pytest.mark.parametrize("request_id", [None, "", "x" * 129, "a b", "a\n", "ü", 'a"b', "{}", "\uff11"])
def test_a_malformed_request_id_is_replaced(request_id: str | None) -> None:
    assert re.fullmatch(r"req_[0-9a-f]{24}", RequestIds.from_headers(request_id, None).request_id)


def test_outgoing_headers_carry_the_request_being_served() -> None:
    outer = RequestIds.from_headers("outer", None)
    inner = RequestIds.from_headers("inner", None)
    assert request_ids.outgoing_headers() == {}
    with request_ids.serving(outer):
        with request_ids.serving(inner):
            assert request_ids.outgoing_headers() == {"x-request-id": "inner", "traceparent": inner.traceparent}
        assert request_ids.current() == outer
    assert request_ids.current() is None


def test_the_ids_of_many_requests_differ() -> None:
    ids = [RequestIds.from_headers(None, None) for _ in range(1_000)]
    for name in ("request_id", "trace_id", "span_id"):
        assert len({getattr(each, name) for each in ids}) == 1_000


def test_a_forked_process_has_ids_of_its_own() -> None:
    """Otherwise, two processes would use the same digits."""
    program = """
import os
from servicekit.request_ids import RequestIds
RequestIds.from_headers(None, None)
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, RequestIds.from_headers(None, None).request_id.encode())
    os._exit(0)
os.wait()
print(RequestIds.from_headers(None, None).request_id, os.read(reader, 100).decode())
"""
    process = processes.start(program)
    output, errors = process.communicate(timeout=30)
    own, other = output.split()
    assert (len(own), own == other, errors) == (len(other), False, "")
