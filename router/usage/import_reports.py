"""Reads the usage reports of other products, as their public documentation describes them.

- Reports of clients of GraphQL Hive (version 2 of its usage API): JSON with `map` and `operations`.
- Apollo's usage reports (`reports.proto`, message `Report`), in protobuf or in the JSON mapping of protobuf.

Reports can be compressed with gzip. They do not say what the values of variables contained. So a variable counts as a
use of everything in its type.
"""

from __future__ import annotations

import gzip
import json
import zlib
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse, validate

from router.get_operation import get_operation
from router.usage.remove_literals import document_of, without_literals
from router.usage.usage_data import BUCKET_SECONDS, MINUTE, Client, Counts, RecordedOperation, UsageBatch, operation_id
from router.usage.used_coordinates import used_coordinates

if TYPE_CHECKING:
    from graphql import GraphQLSchema

_NANOSECONDS: Final = 1e9
_GZIP: Final = b"\x1f\x8b"
_JSON_BEGINS: Final = (b"{", b"[")
# Apollo's histogram: the bucket n ends at 1.1^n microseconds. A negative number -n stands for n empty buckets.
_APOLLO_BASE: Final = 1.1


class InvalidReport(ValueError):
    """The text is not a usage report of a known product. The message says what is wrong."""


@dataclass(slots=True)
class ImportedReport:
    """What a report contains.

    Attributes:
        batch: Its operations and counts.
        requests: The number of requests in the batch.
        skipped: The number of operations that are not valid for the schema, and were left out.
    """

    batch: UsageBatch = field(default_factory=UsageBatch)
    requests: int = 0
    skipped: int = 0


def read_report(content: bytes, schema: GraphQLSchema) -> ImportedReport:
    """Read a report of GraphQL Hive or of Apollo. `schema` is the schema for which the operations were sent.

    Raises:
        InvalidReport: The text is not such a report.
    """
    report = _decoded(content)
    reader = _Reader(schema)
    try:
        if isinstance(report, dict) and isinstance(report.get("map"), dict):
            _read_hive(report, reader)
        elif isinstance(report, dict) and isinstance(report.get("tracesPerQuery"), dict):
            _read_apollo(report, reader)
        else:
            raise InvalidReport(
                'is not a usage report: it has neither "map" (GraphQL Hive) nor "tracesPerQuery" (Apollo)'
            )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, InvalidReport):
            raise
        raise InvalidReport(f"is not a usage report: {type(error).__name__}: {error}") from error
    return reader.imported


def _decoded(content: bytes) -> Any:
    try:
        plain = gzip.decompress(content) if content.startswith(_GZIP) else content
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidReport(f"is damaged: {error}") from error
    try:
        return json.loads(plain)
    except (ValueError, RecursionError) as error:
        # The first byte of a report in protobuf is the number of one of its few fields, which is below 64.
        if plain[:1] in _JSON_BEGINS:
            raise InvalidReport(f"is not JSON: {error}") from error
    try:
        # Only this form needs the package.
        from router.usage.decode_apollo_report import InvalidProtobuf, decode_apollo_report  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise InvalidReport("a report in protobuf needs the package protobuf: pip install mosafe[usage]") from error
    try:
        return decode_apollo_report(plain)
    except InvalidProtobuf as error:
        raise InvalidReport(f"is neither JSON nor a report in protobuf: {error}") from error


class _Reader:
    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: dict[tuple[str, str | None], RecordedOperation | None] = {}
        self.imported = ImportedReport()

    def add(self, document: str, name: str | None, client: Client, minute: int, counts: Counts) -> None:
        """Add requests of one operation."""
        key = (document, name)
        if key not in self._known:
            self._known[key] = self._recorded(document, name)
            self.imported.skipped += self._known[key] is None
        recorded = self._known[key]
        if recorded is None:
            return
        batch = self.imported.batch
        batch.operations[recorded.id] = recorded
        batch.unknown_variables.add(recorded.id)
        batch.clients.add(client)
        batch.counts.setdefault((minute, recorded.id, client), Counts()).add(counts)
        self.imported.requests += counts.requests

    def _recorded(self, text: str, name: str | None) -> RecordedOperation | None:
        try:
            document = parse(text)
            if validate(self._schema, document):
                return None
            operation = get_operation(self._schema, document, name if _has(document, name) else None)
        except (GraphQLError, RecursionError):
            return None
        kept = document_of(operation)
        stored = without_literals(self._schema, kept)
        kind = operation.definition.operation.value
        uses = used_coordinates(self._schema, kept, frozenset())
        own_name = operation.definition.name.value if operation.definition.name else ""
        return RecordedOperation(operation_id(stored), own_name, kind, stored, uses)


def _has(document: DocumentNode, name: str | None) -> bool:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return any(each.name is not None and each.name.value == name for each in operations)


def _read_hive(report: dict[str, Any], reader: _Reader) -> None:
    for each in report.get("operations") or ():
        described = report["map"][each["operationMapKey"]]
        execution = each["execution"]
        seconds = float(execution["duration"]) / _NANOSECONDS
        counts = Counts(1, int(not execution["ok"] or execution["errorsTotal"] > 0), seconds)
        counts.buckets[bisect_left(BUCKET_SECONDS, seconds)] = 1
        client = ((each.get("metadata") or {}).get("client") or {}) if each.get("metadata") else {}
        reader.add(
            described["operation"],
            described.get("operationName"),
            Client(client.get("name") or "", client.get("version") or ""),
            int(each["timestamp"]) // (MINUTE * 1000),
            counts,
        )


def _read_apollo(report: dict[str, Any], reader: _Reader) -> None:
    ended = report.get("endTime")
    # If the report has no `endTime`, each trace still has its own time, but counts have no time.
    whole = None if ended is None else _minute(ended)
    for key, found in report["tracesPerQuery"].items():
        # The key is a comment with the name of the operation, and then its signature: "# Name\nquery Name { a }".
        name, _, document = key.partition("\n")
        chosen = name.removeprefix("#").strip()
        known_name = None if chosen in {"", "-"} else chosen
        for stats in found.get("statsWithContext") or ():
            context = stats.get("context") or {}
            counts = _apollo_counts(stats["queryLatencyStats"])
            reader.add(
                document, known_name, _apollo_client(context), _minute(ended) if whole is None else whole, counts
            )
        # The traces are further requests, unless the report says that its counts contain them.
        for trace in () if report.get("tracesPreAggregated") else found.get("trace") or ():
            minute = _minute(trace.get("endTime")) if whole is None else whole
            reader.add(document, known_name, _apollo_client(trace), minute, _trace_counts(trace))


def _minute(ended: object) -> int:
    if not isinstance(ended, str):
        raise InvalidReport('has no "endTime", so the time of its requests is unknown')
    return int(datetime.fromisoformat(ended).timestamp()) // MINUTE


def _apollo_client(named: dict[str, Any]) -> Client:
    return Client(named.get("clientName") or "", named.get("clientVersion") or "")


def _trace_counts(trace: dict[str, Any]) -> Counts:
    seconds = int(trace.get("durationNs", 0)) / _NANOSECONDS
    counts = Counts(1, int(_has_errors(trace.get("root") or {})), seconds)
    counts.buckets[bisect_left(BUCKET_SECONDS, seconds)] = 1
    return counts


def _has_errors(root: dict[str, Any]) -> bool:
    """Whether a node of a trace, or a node below it, has errors."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.get("error"):
            return True
        waiting += node.get("child") or ()
    return False


def _apollo_counts(latency: dict[str, Any]) -> Counts:
    counts = Counts(int(latency.get("requestCount", 0)), int(latency.get("requestsWithErrorsCount", 0)))
    position = 0
    for each in latency.get("latencyCount") or ():
        value = int(each)
        if value < 0:
            position -= value
            continue
        seconds = _APOLLO_BASE**position / 1e6
        counts.buckets[bisect_left(BUCKET_SECONDS, seconds)] += value
        counts.seconds += value * seconds
        position += 1
    return counts
