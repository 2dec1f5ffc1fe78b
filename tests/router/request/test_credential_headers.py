from __future__ import annotations

import pytest

from router.request.credential_headers import is_anonymous


@pytest.mark.parametrize(
    "name",
    ["authorization", "cookie", "x-api-key", "apikey", "x-amz-security-token", "x-session-id", "x-user-id", "x-jwt"],
)
def test_headers_that_say_who_asks_are_credentials(name: str) -> None:
    assert not is_anonymous(["accept", name])


def test_the_headers_of_every_client_are_not() -> None:
    names = (
        "accept accept-encoding content-length content-type host idempotency-key traceparent user-agent x-request-id"
    )
    assert is_anonymous([*names.split(), "x-forwarded-for", "apollo-require-preflight"])
