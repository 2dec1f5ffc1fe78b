"""The columns of users in queries, which are the same in both stores."""

from __future__ import annotations

from typing import Final

# The columns that `user_of` of a store reads, in any query of users.
USER: Final = (
    "users.id, users.email, users.name, roles, users.created_at, disabled_at, email_verified_at, password_changed_at"
)
# The columns of a query of users that `Credentials` needs besides.
CREDENTIALS: Final = """
password_hash, EXISTS (SELECT 1 FROM totp_factors WHERE user_id = users.id)
    OR EXISTS (SELECT 1 FROM passkeys WHERE user_id = users.id) AS has_second_factor
"""
