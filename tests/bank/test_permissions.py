"""Rows of the tables of permissions."""

from __future__ import annotations

import pytest

from bank.identity import ADMIN, CUSTOMER, SUPPORT, Caller
from bank.permissions import ALL_STAFF, Permission


def caller(*roles: str) -> Caller:
    return Caller("ann", "session", frozenset(roles))


@pytest.mark.parametrize("roles", [(), (CUSTOMER,), (SUPPORT,), (ADMIN, CUSTOMER)])
def test_what_the_owner_may_do_does_not_depend_on_roles(roles: tuple[str, ...]) -> None:
    assert Permission(owner=True).allows(caller(*roles), "ann")
    assert not Permission(staff=ALL_STAFF).allows(caller(*roles), "ann")


def test_roles_allow_only_what_is_done_with_the_data_of_others() -> None:
    row = Permission(owner=True, staff=frozenset({SUPPORT}))
    expected = ((), False), ((CUSTOMER,), False), ((SUPPORT,), True), ((ADMIN,), False), ((CUSTOMER, SUPPORT), True)
    for roles, allowed in expected:
        assert row.allows(caller(*roles), "bob") is allowed
        assert row.allows(caller(*roles), None) is allowed
        assert row.allows_staff(caller(*roles)) is allowed
