"""The `router` command line, which composes, inspects and serves supergraphs, and prints plans.

`COMMANDS` lists the sub-commands. Each sub-command is a module that defines a click command with the name `command`.
The module is imported when the sub-command is first used, because `router plan` must not need the dependencies of a
server. The other modules help sub-commands: `read_supergraph`, `file_io`, `operation_options`, `check_inputs` and
`watch_compose_inputs` read inputs; `check_init_and_schema` has the sub-commands of `router check`;
`composition_output` and `mermaid_and_cost_table` print results; `tune_garbage_collection_of_composition` makes
compositions faster.
"""

from __future__ import annotations

from typing import Final

import click

from servicekit.commands import LazyCommand, LazyGroup, run

COMMANDS: Final[dict[str, LazyCommand]] = {
    "compose": LazyCommand("router.cli.compose", "Compose subgraph schemas into a supergraph.", "router"),
    "check": LazyCommand("router.cli.check", "Check whether a schema change breaks clients.", "router"),
    "publish": LazyCommand("router.cli.publish", "Publish subgraphs to a registry in a folder.", "router"),
    "registry": LazyCommand("router.cli.registry", "Read or verify a registry of subgraphs.", "router"),
    "usage": LazyCommand("router.cli.usage", "Report which operations clients send, and what is unused.", "router"),
    "explain": LazyCommand("router.cli.explain_code", "Explain an error or hint code of composition.", "router"),
    "contract": LazyCommand("router.cli.contract", "Derive a variant of a supergraph, filtered by @tag.", "router"),
    "subgraph": LazyCommand("router.cli.introspect_subgraph", "Print the SDL of running subgraphs.", "router"),
    "supergraph": LazyCommand(
        "router.cli.supergraph", "Print the API schema or the subgraphs of a supergraph.", "router"
    ),
    "plan": LazyCommand("router.cli.plan", "Print the plan of an operation.", "router"),
    "explain-plan": LazyCommand(
        "router.cli.explain_plan", "Explain why a plan fetches each field from its subgraph.", "router"
    ),
    "explain-auth": LazyCommand(
        "router.cli.explain_auth", "Say for each field of an operation who may read it.", "router"
    ),
    "cost": LazyCommand("router.cli.cost", "Estimate what an operation costs.", "router"),
    "config": LazyCommand(
        "router.cli.config", "Check a configuration, or print its JSON Schema or reference page.", "router"
    ),
    "init": LazyCommand("router.cli.init", "Write a starter configuration.", "router"),
    "completion": LazyCommand("router.cli.completion", "Print a completion script for a shell.", "router"),
    "serve": LazyCommand("router.cli.serve", "Serve a supergraph over HTTP.", "router"),
}
"""The sub-commands, in the order of `router --help`."""


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mosafe")
def command() -> None:
    """Compose, plan and serve a federated GraphQL supergraph."""


def main() -> None:
    run(command, "router")
