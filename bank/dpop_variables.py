"""The environment variables of access tokens that are bound to a key of the client (DPoP, RFC 9449)."""

from __future__ import annotations

from typing import Final

from servicekit.variables import Section, Variable

DPOP_SECTION: Final = Section(
    "Access tokens that are bound to a key (DPoP); docs/oauth.md",
    (
        Variable(
            "DPOP_NONCE_SECRET",
            "<unset: proofs need no nonce>",
            "Makes the nonces that proofs must contain; the same for all processes, at least 32 characters.",
            secret=True,
        ),
        Variable(
            "DPOP_STATEMENT_SECRET",
            "<generated into the data directory by `mosafe up`; otherwise unset>",
            "The secret of router and REST layer; unset: the REST layer refuses bound tokens; at least 32 characters.",
            secret=True,
        ),
        Variable(
            "ACCOUNT_SUBSCRIPTIONS_URL",
            "<ws://127.0.0.1:ACCOUNT_PORT/graphql>",
            "Where clients open subscriptions of the account service: the URL of their proofs.",
        ),
        Variable(
            "TRANSACTION_SUBSCRIPTIONS_URL",
            "<ws://127.0.0.1:TRANSACTION_PORT/graphql>",
            "Where clients open subscriptions of the transaction service: the URL of their proofs.",
        ),
    ),
)
