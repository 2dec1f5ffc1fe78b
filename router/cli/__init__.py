"""`router`: compose a supergraph, print a plan, serve.

Sub-commands are imported when they are used: printing a plan must not need a server's dependencies.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyGroup, run

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "compose": ("router.cli.compose", "Compose subgraph schemas into a supergraph."),
    "explain": ("router.cli.explain", "Explain an error or hint code of composition."),
    "contract": ("router.cli.contract", "Derive a variant of a supergraph, filtered by @tag."),
    "subgraph": ("router.cli.subgraph", "Ask running subgraphs."),
    "supergraph": ("router.cli.supergraph", "Look into a composed supergraph."),
    "plan": ("router.cli.plan", "Print the plan of an operation."),
    "explain-plan": ("router.cli.explain_plan", "Tell why a plan fetches each field where it does."),
    "config": ("router.cli.config", "Check a configuration, or print its JSON Schema."),
    "init": ("router.cli.init", "Write a configuration to begin with."),
    "serve": ("router.cli.serve", "Serve a supergraph over HTTP."),
}
"""Sub-command: the module whose `command` it is, and its line in the help."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """A federated GraphQL router."""


def main() -> None:
    run(command, "router")
