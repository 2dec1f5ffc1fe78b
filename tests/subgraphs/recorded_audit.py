"""The routes of the audit log that the small auth service of tests has; they record what services send.

The routes of the real auth service are tested in `tests/subgraphs/auth/audit_log/test_operations_of_services.py`, and
with all services in `tests/e2e/test_staff_audit.py`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bank import values
from bank.staff_operations import OPEN_PATH, OUTCOME_PATH, REQUEST_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class RecordedAudit:
    """The recorded operations.

    Attributes:
        requested: the operations, in order.
        outcomes: the outcome of each operation, by its id.
        away: the paths that do not respond with 200.
        settled: set when an outcome arrives.
    """

    requested: list[dict[str, Any]] = field(default_factory=list)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    def respond(self, path: str, body: Mapping[str, Any]) -> tuple[int, object]:
        """Record a request, and return the status and the body of its response."""
        if path in self.away:
            return 503, {}
        if path == REQUEST_PATH:
            self.requested.append({**body, "at": values.format_timestamp(values.now())})
        elif path == OUTCOME_PATH:
            self.outcomes.setdefault(body["operation"], dict(body))
            self.settled.set()
        elif path == OPEN_PATH:
            return 200, {"operations": [each for each in self.requested if each["operation"] not in self.outcomes]}
        else:
            return 404, {}
        return 200, {}

    def lost(self, action: str, actor: str, subject: tuple[str, str], *, resume: str = "", hours_ago: int = 0) -> None:
        """Record an operation whose process died after this entry. `subject` is its kind and its id."""
        at = values.format_timestamp(values.now() - timedelta(hours=hours_ago))
        document = {"operation": values.new_object_id(), "actor": actor, "action": action, "at": at, "resume": resume}
        self.requested.append({**document, "subject": {"kind": subject[0], "id": subject[1]}, "details": {}})

    async def all_settled(self) -> None:
        """Wait until each operation has an outcome."""
        while len(self.outcomes) < len(self.requested):
            self.settled.clear()
            await self.settled.wait()

    def forget(self) -> None:
        """Forget what was recorded."""
        self.requested.clear()
        self.outcomes.clear()

    def entries(self) -> list[tuple[str, str, str, str | None]]:
        """The action, the subject, the outcome and the reason of each operation, in order."""
        return [
            (
                each["action"],
                each["subject"]["id"],
                self.outcomes.get(each["operation"], {"outcome": "REQUESTED"})["outcome"],
                self.outcomes.get(each["operation"], {}).get("details", {}).get("reason"),
            )
            for each in self.requested
        ]
