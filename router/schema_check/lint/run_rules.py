"""Runs the lint rules on one version of a schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from router.composition.report import Location
from router.schema_check.lint.elements_of_schema_text import LintedText
from router.schema_check.lint.opt_outs import OptOut, opt_out_of, read_opt_outs
from router.schema_check.lint.rule import LintedSchema
from router.schema_check.step_findings import Level, StepFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from graphql import Node

    from router.composition.file_locations import FilePlace
    from router.schema_check.lint.rule import Problem, Rule
    from router.schema_check.lint.settings import LintSettings
    from router.schema_check.schema_versions import SchemaVersion

STEP: Final = "lint"
OPT_OUT_WITHOUT_REASON: Final = "OPT_OUT_WITHOUT_REASON"
OPT_OUT_UNUSED: Final = "OPT_OUT_UNUSED"
OPT_OUT_CODES: Final = {
    OPT_OUT_WITHOUT_REASON: "A comment that opts out of a rule gives no reason or names no rule.",
    OPT_OUT_UNUSED: "A comment opts out of a rule that finds nothing there.",
}
"""The codes of findings about opt-out comments, with their meanings. Settings cannot switch these findings off."""


@dataclass(frozen=True, slots=True)
class LintInput:
    """What lint needs beside the schema: the rules, the settings, and the day."""

    rules: tuple[Rule, ...]
    settings: LintSettings
    today: date


def lint(version: SchemaVersion, base: SchemaVersion | None, given: LintInput) -> tuple[StepFinding, ...]:
    """Return the findings of all rules that are on, ordered by place.

    If `only_new` is set, findings that `base` has too are notes.
    """
    findings = _lint(version, given)
    if given.settings.only_new and base is not None:
        known = {finding.id for finding in _lint(base, given)}
        findings = [
            replace(each, level=Level.INFO, notes=(*each.notes, f"not new: {base.label} has it too"))
            if each.id in known and each.level is not Level.INFO
            else each
            for each in findings
        ]
    return tuple(sorted(findings, key=_order))


def _lint(version: SchemaVersion, given: LintInput) -> list[StepFinding]:
    texts = tuple(found for each in version.texts if (found := LintedText.read(each)) is not None)
    schema = LintedSchema(texts, version.schema, given.today)
    opt_outs = {text: read_opt_outs(text) for text in texts}
    used: set[OptOut] = set()
    findings = []
    for rule in given.rules:
        if not given.settings.is_on(rule):
            continue
        for problem in rule.check(schema):
            level = _level(rule, problem, given.settings)
            opt_out = opt_out_of(problem.element, rule.code, opt_outs[problem.element.source])
            if opt_out is not None:
                used.add(opt_out)
            elif level is not None:
                findings.append(_finding(rule, level, problem))
    active = {rule.code for rule in given.rules if given.settings.is_on(rule)}
    return [*findings, *_opt_out_findings(opt_outs, used, active)]


def _level(rule: Rule, problem: Problem, settings: LintSettings) -> Level | None:
    file = problem.element.source.text.file
    return settings.level_of(rule, file.path if file is not None else "", problem.element.coordinate)


def _finding(rule: Rule, level: Level, problem: Problem) -> StepFinding:
    element = problem.element
    node: Node = problem.node or getattr(element.node, "name", None) or element.node
    token = node.loc.start_token if node.loc is not None else None
    place = _place(element.source, token.line, token.column) if token is not None else None
    # Several subgraphs can declare one element, so the subgraph is a part of the finding's id.
    detail = ":".join(part for part in (element.source.name, problem.detail) if part)
    return StepFinding(STEP, rule.code, level, problem.message, element.coordinate, place, problem.advice, (), detail)


def _opt_out_findings(
    opt_outs: dict[LintedText, tuple[OptOut, ...]], used: Iterable[OptOut], active: set[str]
) -> Iterator[StepFinding]:
    for text, found in opt_outs.items():
        for each in found:
            codes = ", ".join(sorted(each.codes))
            place = _place(text, each.line, each.column)
            detail = ":".join(part for part in (text.name, codes) if part)
            if not each.counts:
                advice = "Write: # lint-ignore RULE: reason."
                message = f"The comment opts out of {codes or 'no rule'} without a reason, so it does not count."
                yield StepFinding(STEP, OPT_OUT_WITHOUT_REASON, Level.ERROR, message, "", place, advice, (), detail)
            elif each not in used and each.codes & active:
                message = f"The comment opts out of {codes}, but there is nothing to opt out of."
                yield StepFinding(
                    STEP, OPT_OUT_UNUSED, Level.WARNING, message, "", place, "Remove the comment.", (), detail
                )


def _place(text: LintedText, line: int, column: int) -> FilePlace | None:
    file = text.text.file
    return None if file is None else file.place(Location(text.name, line, column))


def _order(finding: StepFinding) -> tuple[str, int, int, str]:
    place = finding.place
    return (place.path, place.line, place.column, finding.code) if place else ("", 0, 0, finding.id)
