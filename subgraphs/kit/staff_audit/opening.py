"""Opens the recorder of a service for the time that the service runs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bank.mutual_tls import client_tls
from servicekit.http1.service_client import HttpServiceClient
from subgraphs.kit.internal_calls import LIMITS
from subgraphs.kit.staff_audit.client import HttpAuditLogClient
from subgraphs.kit.staff_audit.recorder import StaffAudit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bank.service_credential import ServiceCredential
    from subgraphs.kit.settings import SubgraphSettings
    from subgraphs.kit.staff_audit.recorder import Observe


@asynccontextmanager
async def staff_audit(
    settings: SubgraphSettings, credential: ServiceCredential, service: str, observe: Observe
) -> AsyncIterator[StaffAudit]:
    """Return the recorder of the service named `service`, and settle lost operations while the block runs.

    The start does not wait for the auth service, which may start later.

    Raises:
        ConfigurationError: the URL of the auth service is wrong.
    """
    url, variable = settings.auth_url, "AUTH_JWKS_URL"
    client = HttpServiceClient(url, LIMITS, variable=variable, tls=client_tls(settings, "auth", url, variable))
    try:
        log = HttpAuditLogClient(client, credential, service)
        audit = StaffAudit(log, observe, request_seconds=settings.request_seconds)
        async with audit.settling():
            yield audit
    finally:
        client.close()
