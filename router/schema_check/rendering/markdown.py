"""Print the result in Markdown, for a comment on a merge request.

The first line is an HTML comment, which is not displayed. A CI job finds its earlier comment by this line, and replaces
the comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.schema_check.changes import Severity
from router.schema_check.judge_changes import Verdict
from router.schema_check.rendering.finding_texts import advice_for, note_of, operations_of, summary_of
from router.schema_check.step_findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.schema_check.judge_changes import CheckResult, Finding
    from router.schema_check.step_findings import StepFinding

MARKER: Final = "<!-- router-check -->"
# GitHub and GitLab limit the length of a comment. So at most this many changes are listed, and safe changes are not
# listed.
_MAX_SHOWN: Final = 100
_MARKS: Final = {Level.ERROR: "❌", Level.WARNING: "⚠️", Level.INFO: "💬"}
_SHOWN_OPERATIONS: Final = 10


def render_markdown(result: CheckResult) -> str:
    """Return the text of the comment."""
    shown = [finding for finding in result.findings if finding.change.severity is not Severity.SAFE]
    shown.sort(key=lambda finding: finding.verdict is not Verdict.FAILS)
    lines = [MARKER, f"### {'✅' if result.passes else '❌'} Schema check", "", _escaped(summary_of(result)), ""]
    for finding in shown[:_MAX_SHOWN]:
        lines += _finding(finding)
    if len(shown) > _MAX_SHOWN:
        lines.append(f"- … and {len(shown) - _MAX_SHOWN} more changes")
    found = sorted(result.step_findings, key=lambda finding: list(Level).index(finding.level))
    for step_finding in found[:_MAX_SHOWN]:
        lines += _step_finding(step_finding)
    if len(found) > _MAX_SHOWN:
        lines.append(f"- … and {len(found) - _MAX_SHOWN} more findings")
    return "\n".join(lines).rstrip()


def _finding(finding: Finding) -> Iterator[str]:
    change = finding.change
    mark = {Verdict.FAILS: "❌", Verdict.APPROVED: "☑️", Verdict.UNUSED: "⚪", Verdict.PASSES: "⚠️"}[finding.verdict]
    place = f" — {_code(str(finding.place))}" if finding.place else ""
    yield f"- {mark} **{change.severity}** {_escaped(change.message)}{place}"
    yield f"  - {_escaped(change.reason)}"
    operations = operations_of(finding)
    if operations:
        names = [_code(operation) for operation in operations[:_SHOWN_OPERATIONS]]
        more = len(operations) - len(names)
        yield f"  - breaks {', '.join(names)}" + (f" and {more} more" if more else "")
    note = note_of(finding)
    if note is not None:
        yield f"  - {_escaped(note)}"
    if finding.verdict is Verdict.FAILS:
        yield f"  - {_escaped(advice_for(finding))}"


def _step_finding(finding: StepFinding) -> Iterator[str]:
    place = f" — {_code(str(finding.place))}" if finding.place else ""
    yield f"- {_MARKS[finding.level]} **{finding.step}** {_escaped(finding.message)}{place}"
    yield from (f"  - {_escaped(note)}" for note in finding.notes[:_SHOWN_OPERATIONS])
    yield f"  - {_escaped(finding.advice)}"


def _escaped(text: str) -> str:
    """Return the text as one line, in which Markdown and HTML interpret no character."""
    escaped = "".join(f"\\{each}" if each in "\\`*_{}[]<>#|~!" else each for each in text)
    return escaped.replace("@", "@\u200b").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text.replace('`', '').replace(chr(10), ' ')}`"
