"""What is stored about second factors; `tests/subgraphs/auth/second_factor/store_contract.py` tests both stores.

Times are arguments: a store does not read the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.mail.outbox import QueuedMail
    from subgraphs.auth.second_factor.challenges import Challenge, Purpose
    from subgraphs.auth.second_factor.factors import Factors, Passkey, Proof, Totp


class SecondFactorStore(Protocol):
    """Authenticator apps, passkeys, recovery codes and challenges. Each method is one database transaction.

    A method with the argument `mails` stores these mails if, and only if, it makes its change.

    Every method raises Unavailable when the store does not respond.
    """

    async def factors(self, user_id: str) -> Factors:
        """Return the second factors of a user; without any, or for an unknown user, an empty `Factors`."""

    async def passkey(self, credential_id: bytes) -> Passkey | None:
        """Return the passkey with this id, of whichever user."""

    async def add_challenge(self, challenge: Challenge, expired_before: datetime) -> None:
        """Insert a challenge; delete challenges that expired before `expired_before`."""

    async def take_attempt(self, digest: bytes, purposes: Collection[Purpose], now: datetime) -> Challenge | None:
        """Count an attempt, and return the challenge.

        Return None if there is no such challenge, if it has expired or none of these purposes, or if its attempts are
        used up.
        """

    async def accept(self, proof: Proof, challenge: bytes | None, mails: Sequence[QueuedMail] = ()) -> bool:
        """Use up a proof and the challenge with this digest (None for a proof without one).

        Return False, and change nothing, if either was used before: a code whose step is not later than the last one,
        a recovery code or a challenge that does not exist any more, a passkey with another counter than stored.
        """

    async def enrol_totp(
        self,
        challenge: bytes,
        user_id: str,
        totp: Totp,
        codes: Collection[bytes],
        mails: Sequence[QueuedMail] = (),
    ) -> bool:
        """Use up the challenge, and store the authenticator app in place of the user's present one.

        If `codes` are given, they replace the user's recovery codes (digests).

        Return False, and change nothing, if the challenge was used before.
        """

    async def enrol_passkey(
        self, challenge: bytes, passkey: Passkey, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> bool:
        """Use up the challenge, and add a passkey. `codes` are as in `enrol_totp`.

        Return False, and change nothing, if the challenge was used before, or if a passkey has this id already.
        """

    async def rename_passkey(self, user_id: str, credential_id: bytes, name: str) -> Passkey | None:
        """Rename a passkey of a user, and return it. Return None if the user has no such passkey."""

    async def remove_totp(self, user_id: str, mails: Sequence[QueuedMail] = ()) -> bool:
        """Remove the authenticator app; with the last factor, also the recovery codes. Return False without one."""

    async def remove_passkey(self, user_id: str, credential_id: bytes, mails: Sequence[QueuedMail] = ()) -> bool:
        """Remove a passkey of a user, as `remove_totp`."""

    async def replace_recovery_codes(
        self, user_id: str, codes: Collection[bytes], mails: Sequence[QueuedMail] = ()
    ) -> None:
        """Replace the digests of the recovery codes of a user."""

    async def reset(
        self, user_id: str, now: datetime, *, audit: NewEntry | None = None, mails: Sequence[QueuedMail] = ()
    ) -> None:
        """Remove all factors, recovery codes and challenges of a user, and end the user's sessions.

        `audit` is added to the audit log in the same transaction.
        """
