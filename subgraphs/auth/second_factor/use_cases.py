"""Joins the use cases of second factors, which share the store, the limits and the clocks of the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from subgraphs.auth.sealing import Sealer
from subgraphs.auth.second_factor.enrolment import Enrolment
from subgraphs.auth.second_factor.factor_verification import FactorVerification
from subgraphs.auth.second_factor.login import SecondFactorLogin
from subgraphs.auth.second_factor.parts import FactorParts
from subgraphs.auth.second_factor.totp import SEALED_FOR

if TYPE_CHECKING:
    from subgraphs.auth.login_limits import LoginLimits
    from subgraphs.auth.mail.delivery import MailQueue
    from subgraphs.auth.second_factor.requirement import Requirement
    from subgraphs.auth.sessions.session_service import Clocks
    from subgraphs.auth.settings import AuthSettings
    from subgraphs.auth.store.protocol import AuthStore


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The use cases: logins with second factors, and the factors of a user; and who must have one."""

    login: SecondFactorLogin
    enrolment: Enrolment
    requirement: Requirement

    @classmethod
    def of(
        cls, settings: AuthSettings, store: AuthStore, limits: LoginLimits, mails: MailQueue, clocks: Clocks
    ) -> SecondFactors:
        """Raise ConfigurationError if the public URL and the origins of passkeys do not fit."""
        sealer = Sealer(settings.key_encryption_secret(), SEALED_FOR)
        verification = FactorVerification(sealer, settings.relying_party, settings.totp_tolerance)
        parts = FactorParts(store, verification, limits, mails, clocks)
        enrolment = Enrolment(parts, max_age=settings.step_up_max_age)
        return cls(SecondFactorLogin(parts), enrolment, settings.second_factor_requirement)
