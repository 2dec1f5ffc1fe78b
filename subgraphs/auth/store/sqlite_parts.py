"""The parts of the SQLite store that have a protocol of their own, on the store's open database."""

from __future__ import annotations

from subgraphs.auth.api_keys.sqlite import SqliteApiKeys
from subgraphs.auth.audit_log.sqlite import SqliteAuditLog
from subgraphs.auth.mail.sqlite_outbox import SqliteMailOutbox
from subgraphs.auth.oauth.sqlite_store import SqliteOAuthStore
from subgraphs.auth.recovery.sqlite import SqliteRecoveryStore
from subgraphs.auth.second_factor.sqlite_store import SqliteSecondFactors
from subgraphs.auth.sessions.sqlite_sessions import SqliteSessionList
from subgraphs.auth.store.sqlite_signing_keys import SqliteSigningKeys


class SqliteParts(SqliteSigningKeys):
    """Signing keys, and the other parts as properties."""

    @property
    def mails(self) -> SqliteMailOutbox:
        return SqliteMailOutbox(self._database)

    @property
    def session_list(self) -> SqliteSessionList:
        return SqliteSessionList(self._database)

    @property
    def audit_log(self) -> SqliteAuditLog:
        return SqliteAuditLog(self._database)

    @property
    def api_keys(self) -> SqliteApiKeys:
        return SqliteApiKeys(self._database)

    @property
    def second_factors(self) -> SqliteSecondFactors:
        return SqliteSecondFactors(self._database)

    @property
    def oauth(self) -> SqliteOAuthStore:
        return SqliteOAuthStore(self._database)

    @property
    def recovery(self) -> SqliteRecoveryStore:
        return SqliteRecoveryStore(self._database, self._changing)
