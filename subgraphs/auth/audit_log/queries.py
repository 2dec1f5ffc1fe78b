"""The conditions of lists of audit entries, which both stores share: each is a column, an operator and a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from subgraphs.auth.audit_log.protocol import AuditFilter
    from subgraphs.kit.pages import PageRequest


class Condition(NamedTuple):
    """A comparison of a column with a value: `column operator value`."""

    column: str
    operator: str
    value: object


def conditions(wanted: AuditFilter, page: PageRequest | None = None) -> list[Condition]:
    """Return the conditions of a filter, and of the bounds of a page. The list has the newest entry first."""
    found = [
        Condition("actor_id", "=", wanted.actor_id),
        Condition("subject_id", "=", wanted.subject_id),
        Condition("action", "=", wanted.action),
        Condition("outcome", "=", wanted.outcome),
        Condition("at", ">=", wanted.begin),
        Condition("at", "<", wanted.end),
    ]
    if page is not None:
        found += [
            Condition("position", "<", None if page.after is None else int(page.after[0])),
            Condition("position", ">", None if page.before is None else int(page.before[0])),
        ]
    return [condition for condition in found if condition.value is not None]


def can_match(wanted: Iterable[Condition]) -> bool:
    """Whether an entry can match. No entry has a text with a NUL character or with half of a surrogate pair.

    The databases refuse some of these texts, so they must not be asked.
    """
    texts = [condition.value for condition in wanted if isinstance(condition.value, str)]
    return all("\0" not in text and text.encode("utf-8", "ignore").decode() == text for text in texts)
