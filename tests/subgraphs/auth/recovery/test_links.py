from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from subgraphs.auth.domain import Role, User
from subgraphs.auth.recovery.links import Link, Purpose

NOW: Final = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
LATER: Final = NOW + timedelta(minutes=1)
ANN: Final = User("ann", "Ann@example.com", "Ann", frozenset({Role.CUSTOMER}), NOW - timedelta(days=9))


def link(purpose: Purpose, **fields: Any) -> Link:
    return Link(b"digest", purpose, ANN.id, "ann@EXAMPLE.com", NOW, NOW + timedelta(minutes=30), **fields)


@pytest.mark.parametrize("purpose", Purpose)
def test_a_link_is_valid_until_it_expires_or_is_used(purpose: Purpose) -> None:
    assert link(purpose).is_valid(ANN, NOW)
    assert link(purpose).is_valid(ANN, NOW + timedelta(minutes=30) - timedelta(milliseconds=1))
    assert not link(purpose).is_valid(ANN, NOW + timedelta(minutes=30))
    assert not link(purpose, used_at=NOW).is_valid(ANN, LATER)


@pytest.mark.parametrize("purpose", Purpose)
def test_no_link_is_valid_for_another_address_or_a_disabled_user(purpose: Purpose) -> None:
    assert not link(purpose).is_valid(replace(ANN, email="other@example.com"), LATER)
    assert not link(purpose).is_valid(replace(ANN, disabled_at=NOW), LATER)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(("changed_at", "stays"), [(NOW - timedelta(seconds=1), True), (NOW, False), (LATER, False)])
def test_a_change_of_the_password_ends_the_links_before_it(
    purpose: Purpose, changed_at: datetime, *, stays: bool
) -> None:
    """Only the link of the registration stays: it changes nothing but the verification."""
    changed = replace(ANN, password_changed_at=changed_at)
    assert link(purpose).is_valid(changed, LATER) is (stays or purpose is Purpose.VERIFY_EMAIL)
