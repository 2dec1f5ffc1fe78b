"""Check each `@override`, and find the subgraphs in which a field is overridden (composition §5.4).

With `@override(from: "a")` in subgraph b, subgraph b is the *overriding* and subgraph a the *overridden* subgraph.

Reports the errors OVERRIDE_FROM_SELF_ERROR, OVERRIDE_SOURCE_HAS_OVERRIDE, OVERRIDE_ON_INTERFACE,
OVERRIDE_LABEL_INVALID and OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE, and the hints FROM_SUBGRAPH_DOES_NOT_EXIST,
OVERRIDE_DIRECTIVE_CAN_BE_REMOVED, OVERRIDDEN_FIELD_CAN_BE_REMOVED and OVERRIDE_MIGRATION_IN_PROGRESS.
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
    """Check all `@override`s on the declarations of one field (composition §5.4).

    Returns:
        The overridden subgraphs and the labels. If any declaration has an `@override`, the function also stores the
        result in `state.overrides`.
    """
    applications = {index: applied for index, source in sources.items() for applied in source.applied("override")}
    if not applications:
        return NOT_OVERRIDDEN
    override = Override()
    for index, applied in applications.items():
        _resolve(_OverrideUse(state, sources, dest, index, applied), applications, override)
    state.overrides[dest.coordinate] = override
    return override


@dataclass(frozen=True, slots=True)
class _OverrideUse:
    """One `@override`, on the declaration of a field in the subgraph at `index`."""

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


def _resolve(use: _OverrideUse, applications: Mapping[int, Applied], override: Override) -> None:
    state, where = use.state, use.dest.coordinate
    report, place = state.report, [state.place(use.index, use.applied.node)]
    parent = state.subgraphs[use.index].schema.types[use.dest.parent]
    if parent.kind is Kind.INTERFACE:
        report.error(
            "OVERRIDE_ON_INTERFACE",
            f'{where} in "{use.name}" is a field of an interface and cannot have @override.',
            place,
        )
        return
    if parent.is_interface_object:
        report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{use.name}" is a field of an @interfaceObject and cannot have @override.',
            place,
        )
        return
    source_name = use.applied.text("from") or ""
    names = [subgraph.name for subgraph in state.subgraphs]
    if source_name not in names:
        near = difflib.get_close_matches(source_name, names, n=1)
        suggestion = f' Did you mean "{near[0]}"?' if near else ""
        report.hint(
            "FROM_SUBGRAPH_DOES_NOT_EXIST",
            f'{where} in "{use.name}" overrides the field in "{source_name}", which is not a subgraph.{suggestion}',
            place,
        )
        return
    from_index = names.index(source_name)
    if from_index == use.index:
        report.error("OVERRIDE_FROM_SELF_ERROR", f'{where} in "{use.name}" overrides itself.', place)
    elif from_index in applications:
        report.error(
            "OVERRIDE_SOURCE_HAS_OVERRIDE",
            f'{where} in "{use.name}" overrides the field in "{source_name}", which has @override too.',
            [*place, state.place(from_index, applications[from_index].node)],
        )
    else:
        _override_field(use, from_index, override)


def _override_field(use: _OverrideUse, from_index: int, override: Override) -> None:
    state, where = use.state, use.dest.coordinate
    report, place = state.report, [state.place(use.index, use.applied.node)]
    source = use.sources.get(from_index)
    source_name = state.subgraphs[from_index].name
    if source is None:
        _report_missing_field(use, from_index)
        return
    conflict = _conflict(use, source, from_index)
    if conflict is not None:
        report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{use.name}" cannot override the field in "{source_name}": {conflict}.',
            [*place, state.place(from_index, source.node)],
        )
        return
    subgraph = state.subgraphs[from_index]
    # `label: ""` means the same as no `label`.
    label = use.applied.text("label") or None
    if subgraph.is_external(source):
        report.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'{where} is external in "{source_name}": @override in "{use.name}" can be removed.',
            place,
        )
    else:
        used = subgraph.is_used(source)
        (override.used if used else override.unused).add(from_index)
        if label is None:
            advice = "is only used for federation there: mark it @external" if used else "can be removed there"
            report.hint(
                "OVERRIDDEN_FIELD_CAN_BE_REMOVED",
                f'{where} in "{source_name}" is overridden by "{use.name}". The field {advice}.',
                [state.place(from_index, source.node)],
            )
    if label is not None:
        _add_label(use, from_index, label, override)


def _report_missing_field(use: _OverrideUse, from_index: int) -> None:
    """Report an `@override` if the subgraph that it names in `from` does not declare the field on the same type.

    If an `@interfaceObject` type in the `from` subgraph provides the field, an error is reported. Otherwise, a hint
    says that the `@override` can be removed.
    """
    where, source_name = use.dest.coordinate, use.state.subgraphs[from_index].name
    place = [use.state.place(use.index, use.applied.node)]
    if use.state.interface_object_fields_in(use.dest, from_index):
        use.state.report.error(
            "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE",
            f'{where} in "{use.name}" cannot override the field in "{source_name}", which is a field of an '
            "@interfaceObject.",
            place,
        )
    else:
        use.state.report.hint(
            "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED",
            f'{where} is not in "{source_name}" any more: @override in "{use.name}" can be removed.',
            place,
        )


def _conflict(use: _OverrideUse, source: FieldDef, from_index: int) -> str | None:
    for element in ("requires", "provides"):
        if source.has(element):
            return f'it has @{element} in "{use.state.subgraphs[from_index].name}"'
    if use.state.subgraphs[use.index].is_external(use.overriding):
        return f'it is @external in "{use.name}"'
    return None


def _add_label(use: _OverrideUse, from_index: int, label: str, override: Override) -> None:
    state = use.state
    place = [state.place(use.index, use.applied.node)]
    if not (_LABEL.fullmatch(label) or _PERCENT.fullmatch(label)):
        state.report.error(
            "OVERRIDE_LABEL_INVALID",
            f'{use.dest.coordinate} in "{use.name}": "{label}" is not an override label. A label is a letter '
            "followed by letters, digits and _-:./, or percent(n) with n from 0 to 100 and at most 8 decimals.",
            place,
        )
        return
    override.labels[use.index] = label
    override.labels[from_index] = label
    state.report.hint(
        "OVERRIDE_MIGRATION_IN_PROGRESS",
        f'{use.dest.coordinate} is moving to "{use.name}" under the label "{label}".',
        place,
    )
