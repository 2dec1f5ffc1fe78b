"""The client of a payment provider over HTTP.

Each call has a deadline. If its result is not known (a timeout, a lost connection, a 5xx), the client asks the provider
for the payment. If that gives no definite result either, the order stays PENDING and is repeated; the order id makes
each call idempotent. Nothing is concluded from the absence of a response.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx
import structlog

from subgraphs.transaction.payment_provider import PaymentState, ProviderPending, ProviderUnavailable
from subgraphs.transaction.payments.provider_messages import (
    APPROVED,
    MOVED,
    REFUSED,
    Payment,
    carries_out,
    instruction_to_json,
)

if TYPE_CHECKING:
    from subgraphs.transaction.payment_provider import PaymentInstruction

# How long a call may take, and how long the question about its result may take. Both together are shorter than the
# time after which the router gives up a request to a service.
CALL_SECONDS: Final = 3.0
QUESTION_SECONDS: Final = 1.5
# A payment has a few hundred bytes.
MAX_BYTES: Final = 64_000
# The statuses with which a provider says that the instruction itself is wrong. It has recorded no payment then, and
# will not record one for the same instruction.
_INVALID: Final = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY})

_log = structlog.stdlib.get_logger("payments")


class HttpPaymentProvider:
    """A `PaymentProvider` over HTTP (`provider_messages`)."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        call_seconds: float = CALL_SECONDS,
        question_seconds: float = QUESTION_SECONDS,
    ) -> None:
        """`client` must have the base URL of the provider and its key. The caller closes it."""
        self._client = client
        self._call_seconds = call_seconds
        self._question_seconds = question_seconds

    async def authorise(self, instruction: PaymentInstruction) -> bool:
        payment = await self._acted(instruction, "/v1/payments", instruction_to_json(instruction))
        if payment is None or payment.state in REFUSED:
            return False
        if payment.state in APPROVED:
            return True
        raise ProviderPending("the provider has not decided yet")

    async def capture(self, instruction: PaymentInstruction) -> None:
        await self._concluded(instruction, "capture", MOVED)

    async def void(self, instruction: PaymentInstruction) -> None:
        await self._concluded(instruction, "void", frozenset({PaymentState.VOIDED}))

    async def state(self, order_id: str) -> PaymentState | None:
        payment = await self._asked(order_id)
        return None if payment is None else payment.state

    async def _concluded(self, instruction: PaymentInstruction, action: str, wanted: frozenset[PaymentState]) -> None:
        payment = await self._acted(instruction, f"/v1/payments/{instruction.transaction_id}/{action}", None)
        if payment is None or payment.state not in wanted:
            raise ProviderUnavailable(f"{action}: the payment is {payment.state if payment else 'not known'}")

    async def _acted(self, instruction: PaymentInstruction, path: str, body: object) -> Payment | None:
        """Send a call, and return the payment after it. Return None if the provider refuses the instruction as invalid.

        Raises:
            ProviderUnavailable: the result of the call is not known.
        """
        try:
            response = await self._send("POST", path, body, self._call_seconds)
            if response.status_code in _INVALID:
                _log.error("the provider refuses an instruction", order=instruction.transaction_id, path=path)
                return None
            payment = _payment(response)
        except ProviderUnavailable as unknown:
            _log.info("asking the provider", order=instruction.transaction_id, path=path, reason=str(unknown))
            asked = await self._asked(instruction.transaction_id)
            if asked is None:
                raise
            payment = asked
        if not carries_out(payment, instruction):
            _log.error("the provider has another payment for an order", order=instruction.transaction_id)
            raise ProviderUnavailable("the provider has another payment for this order")
        return payment

    async def _asked(self, order_id: str) -> Payment | None:
        """Return the payment of an order; None if the provider has none."""
        response = await self._send("GET", f"/v1/payments/{order_id}", None, self._question_seconds)
        return None if response.status_code == httpx.codes.NOT_FOUND else _payment(response)

    async def _send(self, method: str, path: str, body: Any, seconds: float) -> httpx.Response:
        try:
            # A timeout of httpx applies to one read or write, so it would not bound a slow response.
            async with asyncio.timeout(seconds), self._client.stream(method, path, json=body) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise ProviderUnavailable("the response is too large")
                return httpx.Response(response.status_code, content=bytes(content))
        except TimeoutError:
            raise ProviderUnavailable("no response in time") from None
        except httpx.HTTPError as error:
            raise ProviderUnavailable(type(error).__name__) from error


def _payment(response: httpx.Response) -> Payment:
    if not response.is_success:
        raise ProviderUnavailable(f"status {response.status_code}")
    try:
        document = response.json()
        if not isinstance(document, dict):
            raise ProviderUnavailable("malformed response")
        return Payment.from_json(document)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable("malformed response") from error
