"""`mosafe rest`: run the REST layer, or print its routes and its OpenAPI document."""

from __future__ import annotations

import json

import click

from bank.mutual_tls import probe_endpoint, server_tls
from rest_compat import openapi
from rest_compat.app import create_app
from rest_compat.handler import refuse_caller, refuse_while_stopping
from rest_compat.routes import ROUTES
from rest_compat.settings import RestSettings
from servicekit.access_log import RequestIdMiddleware
from servicekit.server import Endpoint, ServerOptions, serve
from servicekit.settings import environment, load


@click.group("rest", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Run the REST layer; without a sub-command it serves. Sub-commands print its routes and its OpenAPI document."""
    if context.invoked_subcommand is None:
        context.invoke(serve_command)


@command.command("serve")
def serve_command() -> None:
    """Serve the REST layer (the default)."""
    settings = load(RestSettings, environment())
    endpoint = Endpoint(settings.host, settings.port, "REST_PORT")
    options = ServerOptions(
        refuse=RequestIdMiddleware(refuse_while_stopping),
        mutual_tls=server_tls("rest", settings, RequestIdMiddleware(refuse_caller)),
        probes=probe_endpoint("rest", settings),
    )
    serve("rest", lambda: create_app(settings), endpoint, settings, options)


@command.command("routes")
def print_routes() -> None:
    """Print the table of routes: method, path, operation."""
    for route in ROUTES:
        click.echo(f"{route.method:7}{route.path:40}{route.operation}.graphql")


@command.command("openapi")
def print_openapi() -> None:
    """Print the OpenAPI document."""
    click.echo(json.dumps(openapi.document(), indent=2, ensure_ascii=False))
