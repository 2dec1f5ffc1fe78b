"""`Budget`: limits repeated and second requests to a share of the normal requests."""

from __future__ import annotations

from typing import Final

_MAX_SAVED: Final = 10.0


class Budget:
    """Each normal request adds `percent` / 100 to the budget, and each additional request takes 1.

    The budget is never more than ten. So a subgraph that begins to fail does not get a burst of repeated requests.
    """

    __slots__ = ("_share", "left")

    def __init__(self, percent: float) -> None:
        self._share = percent / 100
        self.left = 1.0

    def earn(self) -> None:
        """Count a normal request."""
        self.left = min(self.left + self._share, _MAX_SAVED)

    def take(self) -> bool:
        """Return whether an additional request may be sent, and count it."""
        if self.left < 1:
            return False
        self.left -= 1
        return True
