"""`router check`: find out whether a schema change breaks clients."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from router.cli.check_init_and_schema import init, print_schema
from router.cli.check_inputs import CheckInputs, CheckOptions, resolve_settings
from router.cli.composition_output import color_choice
from router.cli.explain_code import explanation_of, list_lint_rules
from router.cli.file_io import READABLE_FILE, WRITABLE_FILE, write_text
from router.cli.tune_garbage_collection_of_composition import expect_long_lived_objects
from router.composition.rendering.text import render_text as render_composition
from router.schema_check.approvals import DEFAULT_FILE, InvalidApprovals
from router.schema_check.comment.merge_request_comments import CommentError
from router.schema_check.comment.update_comment import update_comment
from router.schema_check.judge_changes import FAIL_ON
from router.schema_check.lint.find_rules import InvalidRule
from router.schema_check.lint.settings import InvalidLintSettings
from router.schema_check.operations.known_operations import InvalidOperations
from router.schema_check.policy.check_settings import STEPS
from router.schema_check.policy.read_check_file import DEFAULT_FILE as DEFAULT_POLICY
from router.schema_check.policy.read_check_file import InvalidCheckFile
from router.schema_check.registry.registry_version import RegistryError
from router.schema_check.rendering import FORMATS
from router.schema_check.schema_sources import UnreadableSchema
from router.schema_check.schema_versions import NotComposable
from router.schema_check.steps.run_check import run_check
from servicekit.errors import StartupError
from servicekit.settings import environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from router.schema_check.judge_changes import CheckResult

_FAILED: Final = 1
_TIMEOUT_SECONDS: Final = 30.0
_EXISTING: Final = click.Path(exists=True, path_type=Path)
_SUB_COMMANDS: Final[Mapping[str, click.Command]] = {"init": init, "schema": print_schema}


class _CheckCommand(click.Command):
    """A command that is also a group: `router check init` is a sub-command, every other argument is PROPOSED."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in _SUB_COMMANDS:
            return _SUB_COMMANDS[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


def _explain(context: click.Context, _parameter: click.Parameter, rule: str | None) -> None:
    if rule is None:
        return
    if not rule:
        list_lint_rules()
        context.exit()
    text = explanation_of(rule.upper())
    if text is None:
        raise click.BadParameter(f"there is no rule {rule!r}; --explain without a name lists all rules")
    click.echo(text, nl=False)
    context.exit()


def _complete_proposed(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    names = [name for name in _SUB_COMMANDS if name.startswith(incomplete)]
    return [*map(CompletionItem, names), CompletionItem(incomplete, type="file")]


@click.command(
    "check",
    cls=_CheckCommand,
    epilog="Also: `router check init` writes a first .router/check.yaml, `router check schema` prints its JSON Schema.",
)
@click.argument("proposed", type=READABLE_FILE, required=False, shell_complete=_complete_proposed)
@click.option(
    "--base",
    help="What clients know: a file like PROPOSED, the URL of a running service, or a commit such as origin/main.",
)
@click.option(
    "--operations",
    type=_EXISTING,
    multiple=True,
    help="Operations that clients send: a folder, a .graphql file, a source in JavaScript or TypeScript, or a manifest "
    "(.json). May be repeated.",
)
@click.option(
    "--approvals",
    "approvals_file",
    type=READABLE_FILE,
    help=f"The file of approved changes; without it, {DEFAULT_FILE} if it exists.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(FAIL_ON)),
    help="The lowest severity that makes the check fail; without it, breaking.",
)
@click.option(
    "--policy", "policy_file", type=READABLE_FILE, help=f"The policy; without it, {DEFAULT_POLICY} if it exists."
)
@click.option(
    "--registry",
    help="The registry with the subgraphs of other repositories: a folder, git+URL#BRANCH:FOLDER, a URL or "
    "s3://BUCKET/FOLDER.",
)
@click.option(
    "--subgraph",
    "subgraphs",
    multiple=True,
    metavar="NAME=FILE",
    help="A subgraph of this repository, which replaces the one in the registry. May be repeated.",
)
@click.option(
    "--lint", is_flag=True, help="Also judge PROPOSED by the lint rules, as the key `lint` of the policy does."
)
@click.option("--skip", type=click.Choice(STEPS), multiple=True, help="A step that does not run. May be repeated.")
@click.option(
    "--usage",
    "usage_store",
    envvar="ROUTER_USAGE_STORE",
    help="What clients sent, as the router recorded it: an SQLite file, or the URL of a PostgreSQL database. "
    "[env: ROUTER_USAGE_STORE]",
)
@click.option("--since", help="The window of usage, such as 6h; without it, 30d.")
@click.option("--below", help="A share of the requests, such as 0.1%. A change that breaks less does not count.")
@click.option("--exclude-client", "excluded_clients", multiple=True, help="A client that does not count.")
@click.option(
    "--explain",
    metavar="RULE",
    is_flag=False,
    flag_value="",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Explain a lint rule, or list all of them, and end.",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="The output format."
)
@click.option("--output", type=WRITABLE_FILE, help="The file for the output; without it, stdout.")
@click.option(
    "--report",
    "reports",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write the result into a file in another format. May be repeated.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.001),
    default=_TIMEOUT_SECONDS,
    show_default=True,
    help="Time limit in seconds for services, registries and the comment.",
)
@click.option(
    "--comment", is_flag=True, help="Also write the result into a comment of the merge request of this CI job."
)
def command(**given: object) -> None:
    """Check whether the schema in PROPOSED breaks clients of the schema in --base.

    PROPOSED is a list of subgraphs (supergraph.yaml), a composed supergraph, or a plain schema. Options that are not
    given have the values of .router/check.yaml.

    Without --operations and --usage, every breaking change makes the check fail. With them, only changes that break one
    of these operations make the check fail.

    Exit code 0: the check passes; 1: it fails, or PROPOSED does not compose; 2: bad usage, or an input cannot be read.
    """
    expect_long_lived_objects()
    options = CheckOptions(**given)  # type: ignore[arg-type]  # click calls with the options declared above
    reports = _reports(options)
    result = _run(options)
    _write(options, FORMATS[options.form](result))
    for form, path in reports:
        write_text(path, f"{click.unstyle(FORMATS[form](result))}\n")
    if options.comment:
        _comment(options, result)
    if not result.passes:
        raise click.exceptions.Exit(_FAILED)


def _reports(options: CheckOptions) -> list[tuple[str, Path]]:
    reports = []
    for text in options.reports:
        form, equals, file = text.partition("=")
        if form not in FORMATS or not (equals and file):
            raise click.BadParameter(
                f'"{text}" is not FORMAT=FILE; the formats are {", ".join(FORMATS)}', param_hint="--report"
            )
        reports.append((form, Path(file)))
    return reports


def _run(options: CheckOptions) -> CheckResult:
    """Read the inputs, and run the steps.

    Raises:
        StartupError: An input cannot be read, or the base does not compose.
        click.exceptions.Exit: The proposed version does not compose.
    """
    try:
        inputs = CheckInputs(resolve_settings(options), options.timeout)
        today = datetime.now(tz=UTC).date()
        return run_check(inputs.read(today), inputs.settings)
    except (UnreadableSchema, InvalidOperations, InvalidApprovals, InvalidCheckFile, RegistryError) as error:
        raise StartupError(str(error)) from error
    except (InvalidLintSettings, InvalidRule) as error:
        raise StartupError(f"{options.policy_file or DEFAULT_POLICY}: {error}") from error
    except NotComposable as error:
        click.echo(render_composition(error.diagnostics), err=True, color=color_choice())
        if error.is_base:
            raise StartupError(
                f"{error.label}: the subgraphs of the base do not compose, so it is not known what clients use. "
                "Name the last version that was released as --base"
            ) from error
        click.echo(f"{error.label}: the subgraphs do not compose, so there is nothing to compare.", err=True)
        raise click.exceptions.Exit(_FAILED) from None


def _write(options: CheckOptions, report: str) -> None:
    if options.form == "text" and options.output is None:
        click.echo(report, color=color_choice())
    else:
        write_text(options.output, f"{click.unstyle(report)}\n")


def _comment(options: CheckOptions, result: CheckResult) -> None:
    """Write the comment. A failure causes only a warning, because the verdict does not depend on the comment."""
    # The HTTP client takes a fifth of a second to import, and most checks write no comment.
    from router.schema_check.comment.find_merge_request_of_ci_job import merge_request_comments  # noqa: PLC0415

    try:
        with merge_request_comments(environment(), options.timeout) as comments:
            done = update_comment(comments, FORMATS["markdown"](result), result.proposed)
    except CommentError as error:
        click.secho(f"warning: no comment was written: {error}", err=True, fg="yellow")
        return
    click.echo(f"The comment of this check was {done}.", err=True)
