"""The interface of a store of texts. A store that is not available behaves like an empty store: no request fails."""

from __future__ import annotations

from typing import Protocol


class TextStore(Protocol):
    """A store of texts by key. Several tasks may use a store at the same time. The methods raise no errors."""

    async def get(self, key: str) -> str | None:
        """Return the text of `key`. Return None if the store does not have the text or does not respond in time."""
        ...

    async def put(self, key: str, text: str) -> None:
        """Store the text `text` for `key`. The store may discard a text later, or at once if the text is too large."""
        ...

    async def aclose(self) -> None:
        """Close the connections of the store."""
        ...
