"""Makes the text that is logged for the path of a request.

In the text, each parameter is replaced by its name, unless its value is certainly an id.

The client chooses the path. If paths were logged unchanged, they could fill the log, and they could contain tokens and
e-mail addresses that a client put there by mistake.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN_PATH: Final = "(unknown path)"
# Matches hexadecimal ids, UUIDs and numbers. It matches no e-mail address and no token, because they contain other
# characters or are longer.
_ID = re.compile(r"[0-9A-Fa-f-]{1,36}")
_PARAMETER_MARKS = (":", "{")


class LoggedPaths:
    """The paths of an application's routes. A segment that begins with `:` or `{` is a parameter."""

    def __init__(self, routes: Iterable[str]) -> None:
        self._by_length: defaultdict[int, list[list[str]]] = defaultdict(list)
        for route in dict.fromkeys(routes):
            segments = route.split("/")
            self._by_length[len(segments)].append(segments)
        # Literal segments have priority over parameters, so the routes with the fewest parameters come first.
        for known in self._by_length.values():
            known.sort(key=lambda segments: sum(map(_is_parameter, segments)))

    def of(self, path: str) -> str:
        """Return `path` for the log. Each parameter is replaced by its name, unless its value is an id.

        If no route has this path, return `UNKNOWN_PATH`.
        """
        segments = path.split("/", 32)
        for route in self._by_length.get(len(segments), ()):
            pairs = list(zip(route, segments, strict=True))
            if all(_is_parameter(known) or known == sent for known, sent in pairs):
                return "/".join(sent if known == sent or _ID.fullmatch(sent) else known for known, sent in pairs)
        return UNKNOWN_PATH


def _is_parameter(segment: str) -> bool:
    return segment.startswith(_PARAMETER_MARKS)
