"""The interface of a store of texts. An unavailable store behaves as an empty one; it must not fail a request."""

from __future__ import annotations

from typing import Protocol


class TextStore(Protocol):
    """Texts by key. Implementations may be used by many tasks at once, and raise no errors."""

    async def get(self, key: str) -> str | None:
        """The text of `key`; None if there is none, or if the store does not respond in time."""
        ...

    async def put(self, key: str, text: str) -> None:
        """Store a text, as long as the limits of the store allow."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
