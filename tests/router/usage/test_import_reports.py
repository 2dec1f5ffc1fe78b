"""Usage reports of other products.

The two reports have the form that the public documentation of each product describes: the usage API of GraphQL Hive,
and `reports.proto` of Apollo in protobuf and in its JSON mapping.

Covers `router/usage/decode_apollo_report.py`.
"""

from __future__ import annotations

import gzip
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from router.usage.import_reports import InvalidReport, read_report
from router.usage.usage_data import Client
from tests.router.usage.apollo_report import encoded
from tests.router.usage.recording import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

HIVE: dict[str, Any] = {
    "size": 3,
    "map": {
        "a": {
            "operation": 'query Book { book(id: "secret") { title } }',
            "operationName": "Book",
            "fields": ["Query.book", "Book.title"],
        },
        "b": {"operation": "{ gone }", "fields": ["Query.gone"]},
    },
    "operations": [
        {
            "operationMapKey": "a",
            "timestamp": 1_700_000_000_000,
            "execution": {"ok": True, "duration": 150_000_000, "errorsTotal": 0},
            "metadata": {"client": {"name": "web", "version": "1"}},
        },
        {
            "operationMapKey": "a",
            "timestamp": 1_700_000_000_001,
            "execution": {"ok": False, "duration": 900_000, "errorsTotal": 2},
        },
        {
            "operationMapKey": "b",
            "timestamp": 1_700_000_000_000,
            "execution": {"ok": True, "duration": 1, "errorsTotal": 0},
        },
    ],
}
APOLLO: dict[str, Any] = {
    "header": {"graphRef": "books@main"},
    "endTime": "2023-11-14T22:13:20Z",
    "tracesPerQuery": {
        '# Book\nquery Book{book(id:""){title}}': {
            "statsWithContext": [
                {
                    "context": {"clientName": "web", "clientVersion": "1"},
                    "queryLatencyStats": {
                        "latencyCount": ["-100", "5", "0", "2"],
                        "requestCount": "7",
                        "requestsWithErrorsCount": "1",
                    },
                }
            ]
        },
        "# -\n{books{id}}": {"statsWithContext": [{"queryLatencyStats": {"requestCount": 3}}]},
    },
}


def test_a_report_of_hive_is_read() -> None:
    report = read_report(json.dumps(HIVE).encode(), SCHEMA)
    assert (report.requests, report.skipped) == (2, 1)
    (operation,) = report.batch.operations.values()
    assert operation.text == 'query Book {\n  book(id: "") {\n    title\n  }\n}'
    assert "Book.title" in operation.coordinates
    assert report.batch.unknown_variables == {operation.id}
    by_client = {client: counts for (_, _, client), counts in report.batch.counts.items()}
    assert by_client.keys() == {Client("web", "1"), Client("", "")}
    assert by_client[Client("", "")].errors == 1
    assert by_client[Client("web", "1")].seconds == pytest.approx(0.15)
    assert by_client[Client("web", "1")].quantile(0.5) == 0.25
    assert {minute for minute, _, _ in report.batch.counts} == {1_700_000_000 // 60}


def test_a_report_of_apollo_is_read() -> None:
    report = read_report(json.dumps(APOLLO).encode(), SCHEMA)
    assert (report.requests, report.skipped) == (10, 0)
    assert sorted(each.name for each in report.batch.operations.values()) == ["", "Book"]
    counts = next(counts for (_, _, client), counts in report.batch.counts.items() if client == Client("web", "1"))
    assert (counts.requests, counts.errors, sum(counts.buckets)) == (7, 1, 7)
    # Bucket 100 ends at 1.1^100 microseconds, which is 13.8 ms.
    assert counts.quantile(0.5) == 0.025
    assert {minute for minute, _, _ in report.batch.counts} == {1_700_000_000 // 60}


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_report_of_apollo_in_protobuf_is_read(compress: Callable[[bytes], bytes]) -> None:
    report = read_report(compress(encoded()), SCHEMA)
    assert (report.requests, report.skipped) == (10, 0)
    assert sorted(each.name for each in report.batch.operations.values()) == ["", "Book"]
    by_client = {client: counts for (_, _, client), counts in report.batch.counts.items()}
    assert (by_client[Client("web", "1")].requests, by_client[Client("web", "1")].errors) == (7, 1)
    failed = by_client[Client("ios", "2")]
    assert (failed.requests, failed.errors, failed.seconds) == (1, 1, 0.013)
    assert (by_client[Client("ios", "")].errors, by_client[Client("ios", "")].quantile(0.5)) == (0, 0.001)
    assert {minute for minute, _, _ in report.batch.counts} == {1_700_000_000 // 60}


def test_traces_that_the_counts_contain_are_not_counted_again() -> None:
    trace = {"endTime": "2023-11-14T22:13:20Z", "durationNs": "1"}
    report: dict[str, Any] = {"tracesPerQuery": {"# -\n{books{id}}": {"trace": [trace, trace]}}}
    assert read_report(json.dumps(report).encode(), SCHEMA).requests == 2
    assert read_report(json.dumps({**report, "tracesPreAggregated": True}).encode(), SCHEMA).requests == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"{}", mtime=0)[:-4], "is damaged"),
        (b"\xff\xff", "is neither JSON nor a report in protobuf"),
        (b"hello", "is neither JSON nor a report in protobuf"),
        (b"", "is not a usage report"),
    ],
)
def test_other_bytes_are_refused_with_the_reason(content: bytes, message: str) -> None:
    with pytest.raises(InvalidReport, match=message):
        read_report(content, SCHEMA)


def test_without_the_package_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "router.usage.decode_apollo_report", None)
    with pytest.raises(InvalidReport, match=r"needs the package protobuf: pip install mosafe\[usage\]"):
        read_report(encoded(), SCHEMA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a usage report"),
        ("{}", "is not a usage report"),
        ('{"map": {}, "operations": [{}]}', "is not a usage report: KeyError: 'operationMapKey'"),
        ('{"map": {}, "operations": 7}', "is not a usage report: TypeError"),
        ('{"tracesPerQuery": {"a": {"statsWithContext": [{"queryLatencyStats": {}}]}}}', 'has no "endTime"'),
        (
            '{"tracesPerQuery": {"a": {"statsWithContext": [{}]}}, "endTime": "2023-11-14T22:13:20Z"}',
            "queryLatencyStats",
        ),
        ('{"tracesPerQuery": {}, "endTime": "yesterday"}', "is not a usage report: ValueError"),
    ],
)
def test_another_text_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(InvalidReport, match=message):
        read_report(text.encode(), SCHEMA)
