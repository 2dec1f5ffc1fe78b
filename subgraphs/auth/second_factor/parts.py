"""What the use cases of second factors work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from subgraphs.auth.login_limits import LoginLimits
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.second_factor.factor_verification import FactorVerification
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.store.protocol import AuthStore


@dataclass(frozen=True, slots=True)
class FactorParts:
    """The store, the rules of proofs, and what the service shares between its use cases."""

    store: AuthStore
    verification: FactorVerification
    limits: LoginLimits
    mails: MailQueue
    clocks: Clocks
