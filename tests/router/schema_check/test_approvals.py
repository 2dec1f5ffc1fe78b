from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from router.schema_check.approvals import InvalidApprovals, read_approvals

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
approvals:
  - change: FIELD_REMOVED:Query.a
    reason: nobody uses it
    by: ann
    until: 2027-01-31
"""


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "approvals.yaml"
    path.write_text(text, encoding="utf-8")
    return read_approvals(path)


def test_an_approval_counts_until_its_last_day(tmp_path: Path) -> None:
    path = tmp_path / "approvals.yaml"
    path.write_text(GOOD, encoding="utf-8")
    (approval,) = read_approvals(path)
    assert (approval.change, approval.by, approval.place) == ("FIELD_REMOVED:Query.a", "ann", f"{path}:2")
    assert not approval.has_expired(date(2027, 1, 31))
    assert approval.has_expired(date(2027, 2, 1))


def test_an_empty_file_approves_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# none yet\n") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("approvals: 1\n", ':1: the file has one key, "approvals", with a list'),
        ("- 1\n", ':1: the file has one key, "approvals", with a list'),
        ("approvals:\n  - text\n", ":2: an approval is a mapping with the keys change, reason, by, until"),
        (GOOD.replace("by:", "who:"), ':2: unknown key "who"'),
        (GOOD.replace("    by: ann\n", ""), ':2: "by" must be a string'),
        (GOOD.replace("2027-01-31", "soon"), ':2: "until" must be a day, such as 2027-01-31'),
        (GOOD.replace("2027-01-31", "2027-01-31 10:00:00"), ':2: "until" must be a day'),
        ("approvals: [\n", ":"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidApprovals) as error:
        read(tmp_path, text)
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "approvals.yaml"))
