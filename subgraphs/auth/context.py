"""The context that resolvers of the auth service get for a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from subgraphs.kit.context import BaseContext

if TYPE_CHECKING:
    from bank.identity import Caller
    from servicekit.errors import ServiceError
    from subgraphs.auth.action_limits import ActionLimits
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.identity_service import IdentityService
    from subgraphs.auth.loaders import UserLoader


class AuthContext(BaseContext):
    """The context of one request.

    Attributes:
        origin: the networks from which the request comes, for the rate limits.
        limits: how often the client may do something.
    """

    def __init__(
        self,
        caller: Caller | ServiceError | None,
        identity: IdentityService,
        users: UserLoader,
        origin: Origin,
        limits: ActionLimits,
    ) -> None:
        super().__init__(caller)
        self.identity = identity
        self.users = users
        self.origin = origin
        self.limits = limits
