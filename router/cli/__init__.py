"""The `router` command line: composes a supergraph, prints plans, serves.

A sub-command is imported on first use, because printing a plan must not require the dependencies of a server. Each
module in the table below defines its command as `command`. The other modules are shared: `read_supergraph`, `file_io`
and `operation_options` read inputs; `composition_output` and `plan_formats` print results.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyGroup, run

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "compose": ("router.cli.compose", "Compose subgraph schemas into a supergraph."),
    "explain": ("router.cli.explain_code", "Explain an error or hint code of composition."),
    "contract": ("router.cli.contract", "Derive a variant of a supergraph, filtered by @tag."),
    "subgraph": ("router.cli.introspect_subgraph", "Print the SDL of running subgraphs."),
    "supergraph": ("router.cli.inspect_supergraph", "Print the API schema or the subgraphs of a supergraph."),
    "plan": ("router.cli.plan", "Print the plan of an operation."),
    "explain-plan": ("router.cli.explain_plan", "Explain why a plan fetches each field from its subgraph."),
    "config": ("router.cli.inspect_config", "Check a configuration, or print its JSON Schema or reference page."),
    "init": ("router.cli.init", "Write a starter configuration."),
    "serve": ("router.cli.serve", "Serve a supergraph over HTTP."),
}
"""For each sub-command, the module that defines it and its line of help."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """Compose, plan and serve a federated GraphQL supergraph."""


def main() -> None:
    run(command, "router")
