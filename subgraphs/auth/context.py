"""The context that resolvers of the auth service get for a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subgraphs.kit.context import BaseContext

if TYPE_CHECKING:
    from bank.identity import Caller
    from servicekit.errors import ServiceError
    from subgraphs.auth.action_limits import ActionLimits
    from subgraphs.auth.administration.administration import Administration
    from subgraphs.auth.api_keys.api_key_service import ApiKeyService
    from subgraphs.auth.attempts import Origin
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.identity_service import IdentityService
    from subgraphs.auth.loaders import Loaders
    from subgraphs.auth.recovery.service import RecoveryService
    from subgraphs.auth.second_factor.use_cases import SecondFactors
    from subgraphs.auth.sessions.session_directory import SessionDirectory
    from subgraphs.auth.sessions.session_service import SessionService


@dataclass(frozen=True, slots=True)
class AuthServices:
    """The use cases of the auth service, and the limits of actions that have no use case."""

    identity: IdentityService
    sessions: SessionService
    directory: SessionDirectory
    second_factors: SecondFactors
    recovery: RecoveryService
    limits: ActionLimits
    audit: AuditLog
    administration: Administration
    api_keys: ApiKeyService


class AuthContext(BaseContext):
    """The context of one request.

    Attributes:
        origin: the networks from which the request comes, for the rate limits.
        limits: how often the client may do something.
    """

    def __init__(
        self,
        caller: Caller | ServiceError | None,
        services: AuthServices,
        loaders: Loaders,
        origin: Origin,
    ) -> None:
        super().__init__(caller)
        self.identity = services.identity
        self.sessions = services.sessions
        self.directory = services.directory
        self.second_factor_login = services.second_factors.login
        self.enrolment = services.second_factors.enrolment
        self.recovery = services.recovery
        self.users = loaders.users
        self.grants = loaders.grants
        self.origin = origin
        self.limits = services.limits
        self.audit = services.audit
        self.administration = services.administration
        self.api_keys = services.api_keys
