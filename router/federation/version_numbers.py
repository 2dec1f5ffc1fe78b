"""Parse, compare and print the version numbers of specifications, such as `v2.11`."""

from __future__ import annotations

import re

import msgspec

_VERSION = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Version(msgspec.Struct, frozen=True, order=True):
    """A specification version: `Version(2, 11)` prints as `v2.11`."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Parse `v<major>.<minor>`. Return None if `text` has another form."""
        match = _VERSION.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"
