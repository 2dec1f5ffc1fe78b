"""Sends the events of the sandbox provider to the transaction service, until they are accepted.

Each attempt has a new signature. The pauses between the attempts double from one second to one hour; after three days
the provider gives up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import httpx
import structlog

from subgraphs.transaction.payments.webhook_signature import HEADER, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from mosafe.sandbox_provider.payment_file import PaymentFile, WaitingEvent

# The pause between two looks for new events.
POLL_SECONDS: Final = 0.2
TIMEOUT_SECONDS: Final = 10.0
BATCH_SIZE: Final = 50
_FIRST_PAUSE: Final = 1.0
_MAX_PAUSE_SECONDS: Final = 3600.0
# With these pauses, so many attempts take three days.
_MAX_ATTEMPTS: Final = 84

_log = structlog.stdlib.get_logger("webhooks")


class WebhookDelivery:
    """Sends events. `deliver` is called again and again."""

    def __init__(
        self, client: httpx.AsyncClient, url: str, secrets: Sequence[str], clock: Callable[[], datetime]
    ) -> None:
        """`secrets` are those with which each event is signed. The caller closes `client`."""
        self._client = client
        self._url = url
        self._secrets = secrets
        self._clock = clock

    async def deliver(self, file: PaymentFile) -> int:
        """Send the events that are due, and return how many were accepted."""
        accepted = 0
        for event in await file.waiting_events(self._clock(), limit=BATCH_SIZE):
            is_accepted = await self._send(event)
            accepted += is_accepted
            await file.sent(event.id, next_at=None if is_accepted else self._next_at(event.attempts + 1))
        return accepted

    def _next_at(self, attempts: int) -> datetime | None:
        if attempts >= _MAX_ATTEMPTS:
            return None
        pause = min(_FIRST_PAUSE * 2.0 ** min(attempts - 1, 20), _MAX_PAUSE_SECONDS)
        return self._clock() + timedelta(seconds=pause)

    async def _send(self, event: WaitingEvent) -> bool:
        body = event.body.encode()
        signature = sign(body, self._secrets, int(self._clock().timestamp()))
        headers = {"content-type": "application/json", HEADER: signature}
        try:
            response = await self._client.post(self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            _log.warning("event not delivered", id=event.id, reason=type(error).__name__)
            return False
        if not response.is_success:
            _log.warning("event not accepted", id=event.id, status=response.status_code)
        return response.is_success
