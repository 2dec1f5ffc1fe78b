"""A usage report of Apollo in protobuf. A test in `tests/peers` compares it with what Apollo's own package writes."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).with_suffix(".base64")
STATS: Final[dict[str, Any]] = {
    "context": {"clientName": "web", "clientVersion": "1"},
    "queryLatencyStats": {"latencyCount": [-100, 5, 0, 2], "requestCount": 7, "requestsWithErrorsCount": 1},
}
FAILED_NODE: Final = {"responseName": "book", "error": [{"message": "gone"}]}
REPORT: Final[dict[str, Any]] = {
    "header": {"graphRef": "books@main", "serviceVersion": "7"},
    "endTime": {"seconds": 1_700_000_000, "nanos": 0},
    "operationCount": 10,
    "tracesPerQuery": {
        '# Book\nquery Book{book(id:""){title}}': {
            "statsWithContext": [STATS],
            "trace": [
                {
                    "startTime": {"seconds": 1_700_000_000},
                    "endTime": {"seconds": 1_700_000_001},
                    "durationNs": 13_000_000,
                    "clientName": "ios",
                    "clientVersion": "2",
                    "details": {"operationName": "Book"},
                    "root": {"child": [FAILED_NODE]},
                },
                {"endTime": {"seconds": 1_700_000_001}, "durationNs": 900_000, "clientName": "ios", "root": {}},
            ],
        },
        "# -\n{books{id}}": {"statsWithContext": [{"queryLatencyStats": {"requestCount": 1}}]},
    },
}


def encoded() -> bytes:
    """The report in protobuf."""
    return base64.b64decode(FILE.read_text(encoding="ascii"))
