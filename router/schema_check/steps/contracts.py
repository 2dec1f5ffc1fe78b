"""Checks contracts. A contract is the part of the schema that some clients see; the directive `@tag` selects it.

If an element loses a tag, the whole schema does not change, but a contract's schema can lose the element. The clients
of the contract then break. So both versions of each contract are derived and compared. Changes that the whole schema
has too are not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from graphql import validate

from router.composition.contracts import ContractFilter, derive
from router.errors import InvalidSupergraph
from router.federation.sdl.parse_sdl import parse_sdl
from router.schema_check.judge_changes import Verdict, check
from router.schema_check.rendering.finding_texts import operations_of, remedy_for
from router.schema_check.step_findings import Level, StepFinding
from router.supergraph.load_api_schema import load_api_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.composition.contracts import Contract
    from router.schema_check.judge_changes import CheckInput, CheckResult, Finding
    from router.schema_check.policy.check_settings import ContractRule
    from router.schema_check.schema_versions import SchemaVersion

STEP: Final = "contracts"


@dataclass(frozen=True, slots=True)
class _Versions:
    """Both versions of one contract."""

    name: str
    old: Contract
    new: Contract


def contract_findings(
    given: CheckInput, whole: CheckResult, contracts: Mapping[str, ContractRule]
) -> Iterator[StepFinding]:
    """Yield what is wrong with the contracts of the proposed version.

    Args:
        given: What the check compares. Versions that are not composed from subgraphs have no contracts.
        whole: The result for the whole schema.
        contracts: The contracts by name.
    """
    old_sdl, new_sdl = given.base.supergraph_sdl, given.proposed.supergraph_sdl
    if new_sdl is None:
        message = f"{given.proposed.label} is a plain schema, so no contract can be derived from it."
        yield StepFinding(STEP, "NO_SUPERGRAPH", Level.WARNING, message, "", None, "Check the list of subgraphs.")
        return
    if old_sdl is None:
        message = f"The base {given.base.label} is a plain schema, so its contracts are not known."
        yield StepFinding(STEP, "NO_SUPERGRAPH", Level.WARNING, message, "", None, "Name a commit or a supergraph.")
        return
    for name, rule in contracts.items():
        wanted = ContractFilter(frozenset(rule.include), frozenset(rule.exclude), rule.hide_unreachable)
        try:
            versions = _Versions(name, derive(old_sdl, wanted), derive(new_sdl, wanted))
        except InvalidSupergraph as error:
            advice = "Compose the subgraphs again."
            yield StepFinding(STEP, "CONTRACT_INVALID", Level.ERROR, error.message, name, None, advice)
            continue
        yield from _problems(versions)
        yield from _changes(given, whole, versions)


def _problems(versions: _Versions) -> Iterator[StepFinding]:
    name, new = versions.name, versions.new
    for tag in new.unknown_tags:
        message = f'The contract {name} names the tag "{tag}", which no element has.'
        advice = f"The tags are: {', '.join(new.known_tags) or 'none'}."
        yield StepFinding(STEP, "UNKNOWN_TAG", Level.WARNING, message, name, None, advice, detail=tag)
    if new.errors:
        # This is an error even if the contract was invalid in the base too: an invalid contract cannot be published.
        advice = "Tag the elements that the message names, or change the filter of the contract."
        message = f"The contract {name} is not a valid schema."
        notes = tuple(f"{error.code}: {error.message}" for error in new.errors)
        yield StepFinding(STEP, "CONTRACT_INVALID", Level.ERROR, message, name, None, advice, notes)
    elif versions.old.errors:
        message = f"The contract {name} was not a valid schema in the base, so it is not compared."
        yield StepFinding(STEP, "CONTRACT_WAS_INVALID", Level.INFO, message, name, None, "Nothing is to be done.")


def _changes(given: CheckInput, whole: CheckResult, versions: _Versions) -> Iterator[StepFinding]:
    old_sdl, new_sdl = versions.old.supergraph_sdl, versions.new.supergraph_sdl
    if old_sdl is None or new_sdl is None:
        return
    base, proposed = _narrowed(given.base, old_sdl), _narrowed(given.proposed, new_sdl)
    operations = given.operations
    if operations is not None:
        # Leave out operations that the contract's schema does not allow: clients of the whole schema send them.
        operations = [each for each in operations if not validate(base.schema, each.document)]
    known = {(finding.change.id, finding.change.severity) for finding in whole.findings}
    inner = replace(given, base=base, proposed=proposed, operations=operations, approvals=(), step_findings=())
    for finding in check(inner).findings:
        is_new = (finding.change.id, finding.change.severity) not in known
        if is_new and finding.verdict is Verdict.FAILS:
            yield _finding(versions.name, finding)


def _narrowed(version: SchemaVersion, sdl: str) -> SchemaVersion:
    schema = load_api_schema(parse_sdl(sdl)).schema
    return replace(version, schema=schema, supergraph_sdl=sdl, supergraph_document=None)


def _finding(contract: str, finding: Finding) -> StepFinding:
    change = finding.change
    return StepFinding(
        step=STEP,
        code=change.code,
        level=Level.ERROR,
        message=f"In the contract {contract}: {change.message}",
        coordinate=change.coordinate,
        place=finding.place,
        advice=remedy_for(change.code),
        notes=(change.reason, *(f"breaks {each}" for each in operations_of(finding))),
        detail=":".join(part for part in (contract, change.detail) if part),
    )
