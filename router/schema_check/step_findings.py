"""`StepFinding`: what a step of a schema check reports, other than a change between the two versions.

Such steps judge the proposed version by itself, for example the lint rules. The renderers print the findings of all
steps in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.composition.file_locations import FilePlace


class Level(StrEnum):
    """How serious a finding is.

    Members:
        ERROR: The check fails.
        WARNING: The check passes, but somebody should act.
        INFO: Only a note.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class StepFinding:
    """One finding of a step.

    Attributes:
        step: The step, such as `lint`.
        code: The rule or the kind of problem, such as `FIELD_NAMES`.
        level: How serious it is.
        message: What is wrong, in one sentence.
        coordinate: The element of the schema; empty if the finding belongs to none.
        place: Where the element is declared; None if no file declares it.
        advice: What to do, in one sentence.
        notes: More lines of text, such as the affected operations.
        detail: Distinguishes findings with equal `code` and `coordinate`; empty if not needed.
    """

    step: str
    code: str
    level: Level
    message: str
    coordinate: str
    place: FilePlace | None
    advice: str
    notes: tuple[str, ...] = ()
    detail: str = ""

    @property
    def id(self) -> str:
        """A name of the finding. Edits of other parts of the schema do not change this name."""
        return ":".join(part for part in (self.step, self.code, self.coordinate, self.detail) if part)

    @property
    def fails(self) -> bool:
        """Whether the check fails because of this finding."""
        return self.level is Level.ERROR
