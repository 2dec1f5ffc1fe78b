"""The parts of the PostgreSQL store that have a protocol of their own, on the store's open database."""

from __future__ import annotations

from subgraphs.auth.api_keys.postgres import PostgresApiKeys
from subgraphs.auth.audit_log.postgres import PostgresAuditLog
from subgraphs.auth.mail.postgres_outbox import PostgresMailOutbox
from subgraphs.auth.oauth.postgres_store import PostgresOAuthStore
from subgraphs.auth.recovery.postgres import PostgresRecoveryStore
from subgraphs.auth.second_factor.postgres_store import PostgresSecondFactors
from subgraphs.auth.sessions.postgres_sessions import PostgresSessionList
from subgraphs.auth.store.postgres_signing_keys import PostgresSigningKeys


class PostgresParts(PostgresSigningKeys):
    """Signing keys, and the other parts as properties."""

    @property
    def mails(self) -> PostgresMailOutbox:
        return PostgresMailOutbox(self._database)

    @property
    def session_list(self) -> PostgresSessionList:
        return PostgresSessionList(self._database)

    @property
    def audit_log(self) -> PostgresAuditLog:
        return PostgresAuditLog(self._database)

    @property
    def api_keys(self) -> PostgresApiKeys:
        return PostgresApiKeys(self._database)

    @property
    def second_factors(self) -> PostgresSecondFactors:
        return PostgresSecondFactors(self._database)

    @property
    def recovery(self) -> PostgresRecoveryStore:
        return PostgresRecoveryStore(self._database, self._changing)

    @property
    def oauth(self) -> PostgresOAuthStore:
        return PostgresOAuthStore(self._database)
