"""`mosafe sandbox-provider`: serve a payment provider for tests and development."""

from __future__ import annotations

import click

from mosafe.sandbox_provider.app import create_app
from mosafe.sandbox_provider.settings import SandboxProviderSettings
from servicekit.server import Endpoint, serve
from servicekit.settings import environment, load


@click.command("sandbox-provider")
def command() -> None:
    """Serve a payment provider that moves no money, with test instruments; docs/payments.md."""
    settings = load(SandboxProviderSettings, environment())
    endpoint = Endpoint(settings.host, settings.port, "SANDBOX_PROVIDER_PORT")
    serve("sandbox-provider", lambda: create_app(settings), endpoint, settings)
