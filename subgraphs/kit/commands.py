"""The command group of a service, with the command `serve`. Without a sub-command, the group runs `serve` too."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

from bank.mutual_tls import probe_endpoint, server_tls
from servicekit.server import Endpoint, ServerOptions, serve
from servicekit.settings import environment, load
from subgraphs.kit.settings import SubgraphSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from servicekit.asgi import ASGIApp

S = TypeVar("S", bound=SubgraphSettings)


def service_group(
    name: str,
    settings: type[S],
    create_app: Callable[[S], ASGIApp],
    *,
    help_text: str,
    cls: type[click.Group] = click.Group,
) -> click.Group:
    """Return a group with the command `serve`, to which the service adds its own commands.

    Args:
        name: the name of the service and of the group.
        settings: the settings class of the service. The alias of its field `port` is the variable that sets the port.
        create_app: makes the application from the settings.
        help_text: the help of the group.
        cls: the class of the group.
    """

    @click.group(name, cls=cls, invoke_without_command=True, help=help_text)
    @click.pass_context
    def group(context: click.Context) -> None:
        if context.invoked_subcommand is None:
            context.invoke(serve_command)

    @group.command("serve", help=f"Serve the {name} subgraph (the default).")
    def serve_command() -> None:
        loaded = load(settings, environment())
        endpoint = Endpoint(loaded.host, loaded.port, settings.model_fields["port"].alias or "")
        options = ServerOptions(
            websockets=True, mutual_tls=server_tls(name, loaded), probes=probe_endpoint(name, loaded)
        )
        serve(name, lambda: create_app(loaded), endpoint, loaded, options)

    return group
