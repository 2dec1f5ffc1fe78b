"""Read usual HTTP/1.1 responses that arrive whole, in a fraction of the time of a general parser.

Nearly all responses of services are such: status 200, a head of plain lines, `content-length`, and all bytes in one
read. `read_plain_response` reads only responses whose meaning is beyond doubt (RFC 9112), and no others:

    HTTP/1.1 200 OK                     exactly this line
    content-type: application/json      names of token characters, one space, visible ASCII without a space at the ends
    content-length: 27                  exactly the number of bytes that follow the head
    connection: keep-alive              no other value; no transfer coding, no upgrade, no name twice

Everything else is left to llhttp, which has not seen any byte of the response yet. Tests compare the two.
"""

from __future__ import annotations

import re
from typing import Final

_STATUS_LINE: Final = b"HTTP/1.1 200 OK"
_END: Final = b"\r\n\r\n"
_MAX_HEAD_BYTES: Final = 4096  # Heads of services have a few hundred bytes. A longer head is left to llhttp.
_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
# Headers that change where the response ends or what the connection does next.
_LEFT_TO_LLHTTP: Final = frozenset({"proxy-connection", "trailer", "transfer-encoding", "upgrade"})
# Headers whose values repeat, so that their lines are kept. Others are new in each response, or contain secrets.
_USUAL: Final = (
    "access-control-allow-origin cache-control connection content-encoding content-length content-type date"
    " keep-alive server strict-transport-security vary via x-content-type-options x-powered-by"
)
_KEPT: Final = frozenset(_USUAL.split())
_MAX_KEPT_LINES: Final = 512
_MAX_KEPT_BYTES: Final = 128

_kept_lines: Final[dict[bytes, tuple[str, str]]] = {}


def read_plain_response(data: bytes) -> tuple[dict[str, str], bytes] | None:
    """Return the headers and the body of a response with status 200, or None if the response is not plain and whole.

    The names of headers are in lower case. `data` is everything that has arrived of the response.
    """
    end = data.find(_END, 0, _MAX_HEAD_BYTES)
    if end < 0:
        return None
    status_line, *lines = data[:end].split(b"\r\n")
    if status_line != _STATUS_LINE:
        return None
    headers: dict[str, str] = {}
    for line in lines:
        field = _kept_lines.get(line) or _field(line)
        if field is None:
            return None
        headers[field[0]] = field[1]
    body_start = end + 4
    if len(headers) != len(lines) or headers.get("content-length") != str(len(data) - body_start):
        return None
    return headers, data[body_start:]


def _field(line: bytes) -> tuple[str, str] | None:
    """Return the name and value of a header; None if the line is not plain, or belongs to llhttp."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    name, value = match[1].decode("ascii").lower(), match[2].decode("ascii")
    if name in _LEFT_TO_LLHTTP or (name == "connection" and value.lower() != "keep-alive"):
        return None
    if name in _KEPT and len(line) <= _MAX_KEPT_BYTES:
        if len(_kept_lines) >= _MAX_KEPT_LINES:
            _kept_lines.clear()
        _kept_lines[line] = name, value
    return name, value
