"""What a store of texts is. A store that cannot answer behaves as an empty one: it must never fail a request."""

from __future__ import annotations

from typing import Protocol


class TextStore(Protocol):
    """Texts by their key. Implementations are safe to use from many tasks at once, and raise nothing."""

    async def get(self, key: str) -> str | None:
        """The text under `key`, None when there is none or it cannot be had in time."""
        ...

    async def put(self, key: str, text: str) -> None:
        """Keep a text, for as long as the store's bounds allow."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
