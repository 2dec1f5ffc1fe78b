"""`checked_dataclass`: a dataclass that is frozen for the type checker, but not while the program runs.

A frozen dataclass sets each attribute of a new object with `object.__setattr__`, which takes several times as long as
an ordinary assignment. The objects of this decorator are created several times for each request. mypy reports an
assignment to their attributes as an error, as for every frozen dataclass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as checked_dataclass
else:
    from dataclasses import dataclass

    def checked_dataclass(*, frozen: bool, **options: bool) -> object:
        """Return a decorator that makes a dataclass. If `frozen` is true, only the type checker knows it."""
        return dataclass(unsafe_hash=frozen, **options)


__all__ = ["checked_dataclass"]
