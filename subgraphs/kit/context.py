"""What resolvers know of the request: who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servicekit.errors import ServiceError, Unauthenticated

if TYPE_CHECKING:
    from bank.identity import Caller


class BaseContext:
    """A request's context; each service adds its loaders and its domain services.

    A bad token does not fail the request, only the fields that need a caller: ``login`` works with a stale one.
    """

    def __init__(self, caller: Caller | ServiceError | None) -> None:
        self._caller = caller

    @property
    def caller(self) -> Caller:
        """The authenticated caller.

        Raises:
            Unauthenticated: there is no token, or no valid one.
            Unavailable: the token could not be verified.
        """
        if isinstance(self._caller, ServiceError):
            raise self._caller
        if self._caller is None:
            raise Unauthenticated
        return self._caller

    @property
    def caller_if_any(self) -> Caller | None:
        return None if isinstance(self._caller, ServiceError) else self._caller
