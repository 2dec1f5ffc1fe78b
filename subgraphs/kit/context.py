"""The context that resolvers get for a request: the caller, and the results that several fields share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from servicekit.errors import ServiceError, Unauthenticated
from subgraphs.kit.shared_results import SharedResults

if TYPE_CHECKING:
    from bank.identity import Caller


class BaseContext:
    """The context of one request; each service adds its loaders and domain services.

    If the token is invalid, the request does not fail as a whole. Only the fields that need a caller fail. So `login`
    works even if the request has an expired token.
    """

    def __init__(self, caller: Caller | ServiceError | None) -> None:
        self._caller = caller
        self.shared = SharedResults()
        # Set by the resolver of a subscription when no later event can be missed.
        self.established = asyncio.Event()
        # The event of a subscription for which the operation is executed.
        self.event: object = None

    @property
    def caller(self) -> Caller:
        """The authenticated caller.

        Raises:
            Unauthenticated: the token is missing or not valid.
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
