"""The keys of `.router/check.yaml`. Paths in the file are relative to the folder that contains `.router`."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.schema_check.changes import ChangeCode, Severity
from router.schema_check.lint.find_rules import all_rules
from router.schema_check.lint.settings import InvalidLintSettings, parse_lint_settings
from router.strict_model import StrictModel
from router.usage.parse_window_and_share import share_of, window_of


def _length_of_time(text: str) -> str:
    window_of(text)
    return text


def _share(text: str) -> str:
    share_of(text)
    return text


Number = Annotated[int, Field(ge=0)]
LengthOfTime = Annotated[str, AfterValidator(_length_of_time)]
Share = Annotated[str, AfterValidator(_share)]
STEPS = ("diff", "operations", "usage", "lint", "contracts", "plan_cost")


class OwnSubgraph(StrictModel):
    """A subgraph that this repository owns. The other subgraphs are in the registry."""

    file: Path
    """The file with its SDL."""
    routing_url: str | None = None
    """The URL to which the router sends requests. Without it, the URL in the registry."""


class Steps(StrictModel):
    """Which steps of the check run. A step without input does not run: `contracts` needs at least one contract."""

    diff: bool = True
    """Compare the schemas that clients see."""
    operations: bool = True
    """Find the known operations that become invalid."""
    usage: bool = True
    """Read known operations from the usage store."""
    lint: bool = True
    """Judge the proposed schema by the lint rules."""
    contracts: bool = True
    """Compare the schemas of contracts."""
    plan_cost: bool = True
    """Compare the plans of known operations."""


class ContractRule(StrictModel):
    """A contract: the part of the schema that some clients see. The directive `@tag` selects this part."""

    include: tuple[str, ...] = ()
    """Show only elements with one of these tags. Without tags, all elements are shown."""
    exclude: tuple[str, ...] = ()
    """Hide elements with one of these tags."""
    hide_unreachable: bool = False
    """Also hide types that clients cannot reach."""

    @model_validator(mode="after")
    def _selects(self) -> ContractRule:
        if not (self.include or self.exclude or self.hide_unreachable):
            raise ValueError("a contract needs `include`, `exclude` or `hide_unreachable`")
        both = sorted({*self.include} & {*self.exclude})
        if both:
            raise ValueError(f"a tag cannot be both included and excluded: {', '.join(both)}")
        return self


class PlanCostLimits(StrictModel):
    """How much the cost of a known operation's plan may grow. Without limits, any growth is only a warning."""

    more_fetches: Number | None = None
    """The check fails if a plan gets more than this number of additional fetches."""
    more_depth: Number | None = None
    """The check fails if the longest chain of dependent fetches in a plan grows by more than this number."""
    more_fetches_per_request: Annotated[float, Field(ge=0)] | None = None
    """The check fails if a request of the usage store needs more than this number of additional fetches on average."""
    most_operations: Number = 1000
    """How many operations of the usage store are planned. The operations with the most requests come first."""


class UsageRule(StrictModel):
    """Which requests count for one kind of change. A key that is not set has the value of the same key of `usage`."""

    since: LengthOfTime | None = None
    """The age of the oldest requests that count."""
    below: Share | None = None
    """A change that breaks less than this share of the requests does not make the check fail."""
    exclude_clients: tuple[str, ...] | None = None
    """Names of clients whose requests do not count."""


class UsageRules(StrictModel):
    """The usage store of the router, and which of its requests count."""

    store: str
    """The path of the SQLite file, or the URL of the PostgreSQL database. If the URL has a password, use the option
    `--usage` or the variable ROUTER_USAGE_STORE instead of this key."""
    since: LengthOfTime = "30d"
    """The age of the oldest requests that count, such as 6h or 30d."""
    below: Share = "0%"
    """A change that breaks less than this share of the requests does not make the check fail."""
    exclude_clients: tuple[str, ...] = ()
    """Names of clients whose requests do not count."""
    rules: dict[ChangeCode, UsageRule] = Field(default_factory=dict)
    """For a code of a change, which requests count instead."""


class CheckSettings(StrictModel):
    """The policy of a team. An option of the command line overrides the key of the same name."""

    proposed: Path | None = None
    """The proposed version: a list of subgraphs (supergraph.yaml), a supergraph, or a plain schema."""
    base: str | None = None
    """The version that clients know: a file, the URL of a running service, or a commit. Without it, the newest version
    of the registry."""
    registry: str | None = None
    """The registry with the subgraphs of other repositories: a folder, `git+URL#BRANCH:FOLDER`, the URL of a folder, or
    `s3://BUCKET/FOLDER`."""
    subgraphs: dict[str, OwnSubgraph] = Field(default_factory=dict)
    """The subgraphs of this repository. In the proposed version, they replace the subgraphs of the registry."""
    operations: tuple[Path, ...] = ()
    """Operations that clients send: folders, files, and manifests of persisted documents."""
    approvals: Path | None = None
    """The file of approved changes. Without it, `.router/approvals.yaml` if it exists."""
    fail_on: Literal["breaking", "dangerous"] = "breaking"
    """The lowest severity that makes the check fail."""
    severities: dict[ChangeCode, Severity] = Field(default_factory=dict)
    """For a code of a change, the severity that replaces the code's own severity."""
    steps: Steps = Steps()
    """Which steps run."""
    contracts: dict[str, ContractRule] = Field(default_factory=dict)
    """The contracts, by name."""
    plan_cost: PlanCostLimits = PlanCostLimits()
    """Limits for the plans of known operations."""
    lint: dict[str, Any] | None = None
    """The lint rules: their levels (`rules`), exceptions for paths (`overrides`), and `only_new`. With `{}`, every rule
    has its default level. Without the key, lint does not run."""
    usage: UsageRules | None = None
    """The usage store of the router, and which of its requests count."""

    @field_validator("lint")
    @classmethod
    def _names_rules(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            try:
                parse_lint_settings(value, all_rules())
            except InvalidLintSettings as error:
                # Remove the key `lint`: the reader of the file puts it before each message.
                raise ValueError(str(error).removeprefix("lint").lstrip(".: ")) from error
        return value

    @model_validator(mode="after")
    def _has_registry(self) -> CheckSettings:
        if self.subgraphs and self.registry is None:
            raise ValueError("`subgraphs` needs a `registry` with the subgraphs of other repositories")
        if self.subgraphs and self.proposed is not None:
            raise ValueError("`proposed` lists all subgraphs, so it cannot stand beside `subgraphs`")
        return self
