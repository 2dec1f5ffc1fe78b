"""Reads the inputs of `router check`: the policy with the options that override it, and both versions of the schema."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import ValidationError

from router.schema_check.approvals import DEFAULT_FILE as DEFAULT_APPROVALS
from router.schema_check.approvals import Approval, read_approvals
from router.schema_check.compose_versions import composed_versions
from router.schema_check.judge_changes import CheckInput
from router.schema_check.operations.known_operations import read_operations
from router.schema_check.policy.check_settings import CheckSettings, OwnSubgraph, UsageRules
from router.schema_check.policy.read_check_file import DEFAULT_FILE, read_check_file
from router.schema_check.registry.read_registry import RegistrySnapshot, read_registry
from router.schema_check.registry_schema_sources import proposed_source, published_source, source_at_commit
from router.schema_check.schema_sources import (
    SchemaSource,
    UnreadableSchema,
    read_source,
    read_source_at_commit,
)
from router.schema_check.schema_versions import NotComposable, SchemaVersion, build_version, read_url
from router.validation_messages import message_of

if TYPE_CHECKING:
    from datetime import date

    from router.schema_check.operations_from_usage_store import UsageSource

_NO_BASE = "Name --base, such as origin/main. It is the version with which PROPOSED is compared."
_NO_REGISTRY = "A subgraph is checked together with the subgraphs of other repositories: name --registry."


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of `router check`. An option that is None or empty does not override the policy file."""

    proposed: Path | None
    base: str | None
    operations: tuple[Path, ...]
    approvals_file: Path | None
    fail_on: str | None
    policy_file: Path | None
    registry: str | None
    subgraphs: tuple[str, ...]
    lint: bool
    skip: tuple[str, ...]
    usage_store: str | None
    since: str | None
    below: str | None
    excluded_clients: tuple[str, ...]
    form: str
    output: Path | None
    reports: tuple[str, ...]
    timeout: float
    comment: bool


def resolve_settings(options: CheckOptions) -> CheckSettings:
    """Return the policy of the file. Each given option replaces the key of the same name.

    Raises:
        InvalidCheckFile: The file of the policy cannot be used.
        click.UsageError: Neither the options nor the file say what to check.
    """
    path = options.policy_file or Path(DEFAULT_FILE)
    settings = read_check_file(path) if options.policy_file or path.exists() else CheckSettings()
    given = {
        "proposed": options.proposed,
        "base": options.base,
        "operations": options.operations,
        "approvals": options.approvals_file,
        "fail_on": options.fail_on,
        "registry": options.registry,
        "subgraphs": _own_subgraphs(options, settings),
    }
    changed: dict[str, object] = {key: value for key, value in given.items() if value}
    if options.proposed:
        changed["subgraphs"] = {}
    elif options.subgraphs:
        changed["proposed"] = None
    changed["usage"] = _usage_rules(options, settings)
    if options.lint and settings.lint is None:
        changed["lint"] = {}
    changed["steps"] = settings.steps.model_copy(update=dict.fromkeys(options.skip, False))
    found = settings.model_copy(update=changed)
    _require_inputs(found)
    return found


def _usage_rules(options: CheckOptions, settings: CheckSettings) -> UsageRules | None:
    given = {
        "store": options.usage_store,
        "since": options.since,
        "below": options.below,
        "exclude_clients": options.excluded_clients,
    }
    known = settings.usage.model_dump() if settings.usage is not None else {}
    values = {**known, **{key: value for key, value in given.items() if value}}
    if "store" not in values:
        return None
    try:
        return UsageRules.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        raise click.UsageError(f"{problem['loc'][0]}: {message_of(problem)}") from None


def _own_subgraphs(options: CheckOptions, settings: CheckSettings) -> dict[str, OwnSubgraph]:
    own = {}
    for text in options.subgraphs:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise click.BadParameter(f'"{text}" is not NAME=FILE', param_hint="--subgraph")
        known = settings.subgraphs.get(name)
        own[name] = OwnSubgraph(file=Path(file), routing_url=known.routing_url if known else None)
    return own


def _require_inputs(settings: CheckSettings) -> None:
    if settings.proposed is None and not settings.subgraphs:
        raise click.UsageError(
            f"Name the schema to check as PROPOSED, such as supergraph.yaml, or write {DEFAULT_FILE}: router check init"
        )
    if settings.subgraphs and settings.registry is None:
        raise click.UsageError(_NO_REGISTRY)
    if settings.base is None and settings.registry is None:
        raise click.UsageError(_NO_BASE)


def _refuse_new_problems(base: SchemaVersion, proposed: SchemaVersion) -> None:
    """Raise an error if the proposed version is less valid than the base.

    Servers do not check all rules of the specification, so a schema in use can have problems. They do not prevent a
    comparison.
    """
    known = {problem.message for problem in base.problems}
    new = [str(problem) for problem in proposed.problems if problem.message not in known]
    if new:
        raise UnreadableSchema("\n".join(new))


@dataclass(frozen=True, slots=True)
class CheckInputs:
    """Reads what a check compares.

    Attributes:
        settings: The policy of the file, with the values of the given options.
        timeout_seconds: The time limit for services and registries.
    """

    settings: CheckSettings
    timeout_seconds: float

    def read(self, today: date) -> CheckInput:
        """Return what the check compares.

        Raises:
            UnreadableSchema, InvalidOperations, InvalidApprovals, RegistryError: An input cannot be read.
            NotComposable: The subgraphs of a version do not compose.
        """
        settings = self.settings
        operations = read_operations(settings.operations) if settings.operations else None
        approvals = self._approvals()
        base, proposed = self._versions()
        _refuse_new_problems(base, proposed)
        return CheckInput(
            base=base,
            proposed=proposed,
            operations=operations,
            approvals=approvals,
            today=today,
            fail_on=settings.fail_on,
            severities=settings.severities,
            usage=self._usage(),
        )

    def _usage(self) -> UsageSource | None:
        rules = self.settings.usage
        if rules is None or not self.settings.steps.usage:
            return None
        # The libraries of usage stores take long to import, and most checks have no usage store.
        from router.schema_check.operations_from_usage_store import UsageSource  # noqa: PLC0415

        return UsageSource.of(rules)

    def _approvals(self) -> tuple[Approval, ...]:
        path = self.settings.approvals
        if path is None and not Path(DEFAULT_APPROVALS).exists():
            return ()
        return tuple(read_approvals(path or Path(DEFAULT_APPROVALS)))

    def _versions(self) -> tuple[SchemaVersion, SchemaVersion]:
        snapshot = read_registry(self.settings.registry, self.timeout_seconds) if self.settings.registry else None
        proposed = self._proposed(snapshot)
        base = self._base(snapshot)
        if isinstance(base, SchemaVersion):
            with composed_versions(None, proposed) as composed:
                return base, build_version(proposed, composed.proposed, composed.proposed_document)
        with composed_versions(base, proposed) as composed:
            version = build_version(proposed, composed.proposed, composed.proposed_document)
            try:
                return build_version(base, composed.wait_for_base(), similar=version), version
            except NotComposable as error:
                raise NotComposable(error.label, error.diagnostics, is_base=True) from error
            except UnreadableSchema as error:
                advice = "The base cannot be used. Name the last version that was released as --base"
                raise UnreadableSchema(f"{error}\n{advice}") from error

    def _proposed(self, snapshot: RegistrySnapshot | None) -> SchemaSource:
        settings = self.settings
        if settings.proposed is not None:
            return read_source(settings.proposed, self.timeout_seconds)
        if snapshot is None:
            raise click.UsageError(_NO_REGISTRY)
        return proposed_source(snapshot, settings.subgraphs)

    def _base(self, snapshot: RegistrySnapshot | None) -> SchemaSource | SchemaVersion:
        settings, base = self.settings, self.settings.base
        if base is None and snapshot is not None:
            return published_source(snapshot)
        if base is None:
            raise click.UsageError(_NO_BASE)
        if base.startswith(("http://", "https://")):
            return asyncio.run(read_url(base, self.timeout_seconds))
        path = Path(base)
        if path.exists():
            return read_source(path, self.timeout_seconds)
        if settings.proposed is not None:
            return read_source_at_commit(settings.proposed, base, self.timeout_seconds)
        if snapshot is None:
            raise click.UsageError(_NO_REGISTRY)
        return source_at_commit(snapshot, settings.subgraphs, base, self.timeout_seconds)
