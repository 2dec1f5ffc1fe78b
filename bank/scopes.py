"""The scopes of access tokens: what a user lets an application do with the bank (RFC 6749 §3.3).

A token of the bank's own login has no scopes and may do everything that the user may do. A token that the user gave to
an application through OAuth may do only what its scopes allow, even if the user may do more. Each service checks the
scopes of a token itself (`subgraphs.kit.delegated_scopes`).
"""

from __future__ import annotations

from typing import Final

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE_ACCESS: Final = "offline_access"
# See accounts, transactions, statements and notifications.
READ: Final = "bank:read"
# Open, change and close accounts.
ACCOUNTS: Final = "bank:accounts"
# Move money.
PAYMENTS: Final = "bank:payments"
# Use the user's staff roles. Without this scope, an application's token has no roles but CUSTOMER.
STAFF: Final = "bank:staff"
# Enrol a second factor. Only the auth service gives this scope, to users who must have a factor and have none.
ENROLMENT: Final = "bank:enrolment"
