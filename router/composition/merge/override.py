"""`@override`: which subgraph's field gives way to which, and what forbids it.

OVERRIDE_FROM_SELF_ERROR, OVERRIDE_SOURCE_HAS_OVERRIDE, OVERRIDE_ON_INTERFACE, OVERRIDE_LABEL_INVALID,
OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE; hints FROM_SUBGRAPH_DOES_NOT_EXIST, OVERRIDE_DIRECTIVE_CAN_BE_REMOVED,
OVERRIDDEN_FIELD_CAN_BE_REMOVED, OVERRIDE_MIGRATION_IN_PROGRESS.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.composition.merge.merge_state import NOT_OVERRIDDEN, MergeState, Override, Sources
from router.composition.model import Applied, FieldDef, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = re.compile(r"[a-zA-Z][\w\-:./]*", re.ASCII)
_PERCENT = re.compile(r"percent\((\d{1,2}(\.\d{1,8})?|100)\)", re.ASCII)


def resolve_overrides(state: MergeState, sources: Sources[FieldDef], dest: FieldDef) -> Override:
    """Check every `@override` on one merged field."""
    applications = {index: applied for index, source in sources.items() for applied in source.applied("override")}
    if not applications:
        return NOT_OVERRIDDEN
    outcome = Override()
    for index, applied in applications.items():
        _resolve(_Attempt(state, sources, dest, index, applied), applications, outcome)
    state.overrides[dest.coordinate] = outcome
    return outcome


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One `@override` application: on the field of the subgraph at `index`."""

    state: MergeState
    sources: Sources[FieldDef]
    dest: FieldDef
    index: int
    applied: Applied

    @property
    def overriding(self) -> FieldDef:
        return self.sources[self.index]

    @property
    def name(self) -> str:
        return self.state.subgraphs[self.index].name


def _resolve(attempt: _Attempt, applications: Mapping[int, Applied], outcome: Override) -> None:
    state, where = attempt.state, attempt.dest.coordinate
    report, place = state.report, [state.place(attempt.index, attempt.applied.node)]
    parent = state.subgraphs[attempt.index].schema.types[attempt.dest.parent]
    if parent.kind is Kind.INTERFACE:
        report.error(
            "OVERRIDE_ON_INTERFACE", f'{where} in "{attempt.name}" is an interface field: it cannot override.', place
        )
        return
    if parent.is_interface_object:
        report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{attempt.name}" is a field of an @interfaceObject: it cannot override.',
            place,
        )
        return
    source_name = attempt.applied.text("from") or ""
    names = [subgraph.name for subgraph in state.subgraphs]
    if source_name not in names:
        near = difflib.get_close_matches(source_name, names, n=1)
        suggestion = f' Did you mean "{near[0]}"?' if near else ""
        report.hint(
            "FROM_SUBGRAPH_DOES_NOT_EXIST",
            f'{where} in "{attempt.name}" overrides from "{source_name}", which is no subgraph.{suggestion}',
            place,
        )
        return
    from_index = names.index(source_name)
    if from_index == attempt.index:
        report.error("OVERRIDE_FROM_SELF_ERROR", f'{where} in "{attempt.name}" overrides from its own subgraph.', place)
    elif from_index in applications:
        report.error(
            "OVERRIDE_SOURCE_HAS_OVERRIDE",
            f'{where} in "{attempt.name}" overrides from "{source_name}", whose field itself overrides.',
            [*place, state.place(from_index, applications[from_index].node)],
        )
    else:
        _take_over(attempt, from_index, outcome)


def _take_over(attempt: _Attempt, from_index: int, outcome: Override) -> None:
    state, where = attempt.state, attempt.dest.coordinate
    report, place = state.report, [state.place(attempt.index, attempt.applied.node)]
    source = attempt.sources.get(from_index)
    source_name = state.subgraphs[from_index].name
    if source is None:
        _nothing_to_take_over(attempt, from_index)
        return
    conflict = _conflict(attempt, source, from_index)
    if conflict is not None:
        report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{attempt.name}" cannot override the one in "{source_name}": {conflict}.',
            [*place, state.place(from_index, source.node)],
        )
        return
    subgraph = state.subgraphs[from_index]
    # An empty label is none.
    label = attempt.applied.text("label") or None
    if subgraph.is_external(source):
        report.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'{where} is external in "{source_name}": @override in "{attempt.name}" can be removed.',
            place,
        )
    else:
        used = subgraph.is_used(source)
        (outcome.used if used else outcome.unused).add(from_index)
        if label is None:
            advice = "is only used for federation there (mark it @external)" if used else "can be removed there"
            report.hint(
                "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
                f'{where} in "{source_name}" is overridden by "{attempt.name}": it {advice}.',
                [state.place(from_index, source.node)],
            )
    if label is not None:
        _label(attempt, from_index, label, outcome)


def _nothing_to_take_over(attempt: _Attempt, from_index: int) -> None:
    """The source does not have the field: it is gone, or an interface object stands for it."""
    where, source_name = attempt.dest.coordinate, attempt.state.subgraphs[from_index].name
    place = [attempt.state.place(attempt.index, attempt.applied.node)]
    if attempt.state.abstracted(attempt.dest, from_index):
        attempt.state.report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{attempt.name}" cannot override the one in "{source_name}", which comes from an '
            "@interfaceObject.",
            place,
        )
    else:
        attempt.state.report.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'{where} is not in "{source_name}" any more: @override in "{attempt.name}" can be removed.',
            place,
        )


def _conflict(attempt: _Attempt, source: FieldDef, from_index: int) -> str | None:
    for element in ("requires", "provides"):
        if source.has(element):
            return f'it has @{element} in "{attempt.state.subgraphs[from_index].name}"'
    if attempt.state.subgraphs[attempt.index].is_external(attempt.overriding):
        return f'it is @external in "{attempt.name}"'
    return None


def _label(attempt: _Attempt, from_index: int, label: str, outcome: Override) -> None:
    state = attempt.state
    place = [state.place(attempt.index, attempt.applied.node)]
    if not (_LABEL.fullmatch(label) or _PERCENT.fullmatch(label)):
        state.report.error(
            "OVERRIDE_LABEL_INVALID",
            f'{attempt.dest.coordinate} in "{attempt.name}": "{label}" is no override label. It is a name (letters, '
            "digits and _-:./, a letter first) or percent(n), n from 0 to 100 with at most 8 decimals.",
            place,
        )
        return
    outcome.labels[attempt.index] = label
    outcome.labels[from_index] = label
    state.report.hint(
        "OVERRIDE_MIGRATION_IN_PROGRESS",
        f'{attempt.dest.coordinate} is moving to "{attempt.name}" under the label "{label}".',
        place,
    )
