"""What stays of a message; tests/security/test_hidden_schema.py has the attacks."""

from __future__ import annotations

import pytest

from router.policies.hide_schema_names_in_errors import HiddenSchemaNames

KNOWN = frozenset({"Account", "Query", "me", "balance", "ownerId", "AccountInput", "field", "type"})


@pytest.mark.parametrize(
    ("message", "sent", "shown"),
    [
        ("Cannot query field 'x' on type 'Account'.", {"x"}, "Cannot query field 'x' on type (not shown)."),
        ("Unknown argument 'x' on field 'Query.me'.", {"me"}, "Unknown argument 'x' on field 'me'."),
        ("Unknown argument 'x' on field 'Query.me'.", {"me", "Query"}, "Unknown argument 'x' on field 'Query.me'."),
        ("of the required type '[AccountInput!]!'", set(), "of the required type (not shown)"),
        ("Expected ownerId, found 1", set(), "Expected (not shown), found 1"),
        ("The field is of another type.", set(), "The field is of another type."),
        ("Variable '$me' at 'me.ownerId' is wrong", {"me"}, "Variable '$me' at 'me' is wrong"),
    ],
)
def test_names_that_were_not_sent_are_replaced(message: str, sent: set[str], shown: str) -> None:
    assert HiddenSchemaNames(KNOWN).hide(message, sent) == shown
