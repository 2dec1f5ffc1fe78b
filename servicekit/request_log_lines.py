"""Formats the log lines of requests as JSON, much faster than structlog does.

A line has the fields of the request, and then the fields that every line of this process has (`servicekit.logging`):

    {"method":"POST", ..., "event":"request","level":"info","logger":"access","timestamp":...,"service":"router",
     "pid":7,"worker":0,"request_id":"req_...","trace_id":"..."}

Names of the fields do not suggest secrets, so nothing is redacted here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from servicekit import request_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.background_log_writer import BackgroundLogWriter


class RequestLogLines:
    """Adds the log lines of requests to `writer`. `process` has the fields that every line of this process has."""

    def __init__(self, writer: BackgroundLogWriter, process: Mapping[str, object]) -> None:
        self._writer = writer
        self._encode = msgspec.json.Encoder().encode
        self._process = self._encode(process)[1:-1].decode()
        self._second = 0
        self._until_second = b""

    def write(self, fields: msgspec.Struct) -> bool:
        """Write a line. If a text of the client cannot be encoded as UTF-8, write nothing and return False."""
        try:
            own = self._encode(fields)
        except UnicodeEncodeError:
            return False
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            shown = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._until_second = f',"event":"request","level":"info","logger":"access","timestamp":"{shown}.'.encode()
        ids = request_ids.current()
        # The ids have only characters that need no escape (`request_ids`).
        named = "" if ids is None else f',"request_id":"{ids.request_id}","trace_id":"{ids.trace_id}"'
        rest = f'{int((now - second) * 1_000_000):06d}Z",{self._process}{named}}}\n'
        self._writer.add(b"".join((own[:-1], self._until_second, rest.encode("ascii"))))
        return True
