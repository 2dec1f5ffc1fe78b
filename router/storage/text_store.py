"""The interface of a store of texts. An unavailable store behaves like an empty store, so that no request fails."""

from __future__ import annotations

from typing import Protocol


class TextStore(Protocol):
    """A store of texts by key. Many tasks may use it at once. Its methods raise no errors."""

    async def get(self, key: str) -> str | None:
        """Return the text of `key`, or None if the store has no such text or does not respond in time."""
        ...

    async def put(self, key: str, text: str) -> None:
        """Store a text. The store may discard the text later, or at once if it is too large."""
        ...

    async def aclose(self) -> None:
        """Close the connections of the store."""
        ...
