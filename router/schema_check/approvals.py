"""Reads `.router/approvals.yaml`, the file in which a team approves breaking changes, as in this example.

    approvals:
      - change: FIELD_REMOVED:Query.oldBooks
        reason: The last client moved to Query.books in August.
        by: ann@example.com
        until: 2027-01-31

`change` is the id of a change, as `router check` prints it. `until` is the last day on which the approval is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DEFAULT_FILE: Final = ".router/approvals.yaml"
_KEYS: Final = ("change", "reason", "by", "until")


class InvalidApprovals(ValueError):
    """The file cannot be used. The message has the file, the line and the reason."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The approval of one change.

    Attributes:
        change: The id of the change.
        reason: Why the change may be made.
        by: Who approves it.
        until: The last day on which the approval is valid.
        place: The file and line of the approval.
    """

    change: str
    reason: str
    by: str
    until: date
    place: str

    def has_expired(self, today: date) -> bool:
        """Return whether `today` is after the last day of the approval."""
        return today > self.until


def read_approvals(path: Path) -> Sequence[Approval]:
    """Return the approvals in a file, in order.

    Raises:
        InvalidApprovals: The file cannot be read, is not YAML, or an approval lacks a key or has a wrong value.
    """
    try:
        root = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidApprovals(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidApprovals(f"{path}: is not UTF-8") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidApprovals(f"{path}:{line}: {error.problem or 'is not YAML'}") from error
    except (YAMLError, RecursionError) as error:
        raise InvalidApprovals(f"{path}: is not YAML") from error
    if root is None:
        return ()
    entries = root.get("approvals") if isinstance(root, CommentedMap) else None
    if not isinstance(entries, CommentedSeq) or set(root) != {"approvals"}:
        raise InvalidApprovals(f'{path}:1: the file has one key, "approvals", with a list')
    return tuple(_approval(path, entries, position) for position in range(len(entries)))


def _approval(path: Path, entries: CommentedSeq, position: int) -> Approval:
    place = f"{path}:{entries.lc.item(position)[0] + 1}"
    entry = entries[position]
    if not isinstance(entry, CommentedMap):
        raise InvalidApprovals(f"{place}: an approval is a mapping with the keys {', '.join(_KEYS)}")
    if unknown := [str(key) for key in entry if key not in _KEYS]:
        raise InvalidApprovals(f'{place}: unknown key "{unknown[0]}"; the keys are {", ".join(_KEYS)}')
    change, reason, by = (_text(place, entry, key) for key in ("change", "reason", "by"))
    until = entry.get("until")
    # YAML reads a date with a time as a `datetime`. `isinstance` would accept it, because `datetime` is a subclass of
    # `date`.
    if type(until) is not date:
        raise InvalidApprovals(f'{place}: "until" must be a day, such as 2027-01-31')
    return Approval(change, reason, by, until, place)


def _text(place: str, entry: CommentedMap, key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InvalidApprovals(f'{place}: "{key}" must be a string')
    return value.strip()
