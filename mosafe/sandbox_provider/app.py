"""The sandbox provider as an ASGI application. It has the routes that `payments.provider_messages` defines."""

from __future__ import annotations

import asyncio
import hmac
import json
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from bank import values
from bank.topology import load_topology
from bank.values import InvalidValue, check_precision, is_object_id, parse_amount, parse_timestamp
from mosafe.sandbox_provider.payment_file import OrderIdReused, PaymentFile
from mosafe.sandbox_provider.payment_rules import WrongState
from mosafe.sandbox_provider.webhook_delivery import POLL_SECONDS, WebhookDelivery
from servicekit.access_log import RequestIdMiddleware
from servicekit.errors import ConfigurationError, ServiceError
from servicekit.health import HealthEndpoints
from servicekit.tls.process_files import process_client_context
from subgraphs.kit.background import every, in_background, repeat
from subgraphs.kit.request_body import BodyTooLarge, CodedBody, read_body
from subgraphs.transaction.domain import TransactionType
from subgraphs.transaction.payment_provider import PaymentInstruction
from subgraphs.transaction.payments.statement import as_csv, as_json

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping

    from mosafe.sandbox_provider.settings import SandboxProviderSettings
    from servicekit.asgi import ASGIApp
    from subgraphs.transaction.payments.provider_messages import Payment

MAX_BODY_BYTES: Final = 64_000
# How long the response of the instrument `pi_timeout` is withheld: longer than any client waits.
SILENT_SECONDS: Final = 60.0
_ALWAYS: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


class _Refused(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class SandboxProvider:
    """The state of the running provider, and its operations."""

    def __init__(
        self,
        settings: SandboxProviderSettings,
        clock: Callable[[], datetime],
        webhook_transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        if settings.key is None:
            raise ConfigurationError("PAYMENT_PROVIDER_KEY", "the sandbox provider needs the key that callers send")
        self.settings = settings
        self.clock = clock
        self._transport = webhook_transport
        self._key = f"Bearer {settings.key.get_secret_value()}".encode()
        self._file: PaymentFile | None = None

    @property
    def file(self) -> PaymentFile:
        """The open file. Raises RuntimeError before the startup and after the shutdown of the application."""
        if self._file is None:
            raise RuntimeError("the provider is not running")
        return self._file

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            self._file = file = await PaymentFile.open(self.settings.file)
            stack.push_async_callback(file.close)
            await self._start_delivery(stack, file)
            try:
                yield
            finally:
                self._file = None

    async def _start_delivery(self, stack: AsyncExitStack, file: PaymentFile) -> None:
        settings = self.settings
        if settings.webhook_secrets:
            files = settings.tls_files
            verify: ssl.SSLContext | bool = True
            if files is not None:
                verify = process_client_context(files, server_identity=load_topology().identity("transaction"))
            client = httpx.AsyncClient(trust_env=False, transport=self._transport, verify=verify)
            await stack.enter_async_context(client)
            delivery = WebhookDelivery(client, settings.webhook_url, settings.webhook_secrets, self.clock)
            sending = repeat(lambda: delivery.deliver(file), every(POLL_SECONDS))
            await stack.enter_async_context(in_background(sending))

    def check_key(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._key):
            raise _Refused(401, "UNAUTHENTICATED", "the key of the provider is missing or wrong")

    async def authorise(self, request: Request) -> Response:
        instruction = _instruction(await _json(request))
        try:
            found, is_new = await self.file.authorise(instruction, self.clock(), self.settings.settlement)
        except OrderIdReused:
            raise _Refused(409, "ORDER_ID_REUSED", "the order id belongs to another instruction") from None
        if found.is_silent:
            await asyncio.sleep(SILENT_SECONDS)
        return _respond(201 if is_new else 200, found.payment.to_json())

    async def act(self, request: Request) -> Response:
        order_id, action = request.path_params["order_id"], request.url.path.rpartition("/")[2]
        try:
            payment = await self.file.act(order_id, action, self.clock(), self.settings.settlement)
        except WrongState as error:
            raise _Refused(409, "WRONG_STATE", str(error)) from None
        return _respond_payment(payment)

    async def find(self, request: Request) -> Response:
        return _respond_payment(await self.file.find(request.path_params["order_id"], self.clock()))

    async def statement(self, request: Request) -> Response:
        begin, end = (_time(request, name, default) for name, default in zip(("from", "to"), _ALWAYS, strict=True))
        payments = await self.file.statement(begin, end, self.clock())
        if "text/csv" in request.headers.get("accept", ""):
            return Response(as_csv(payments), media_type="text/csv; charset=utf-8")
        return _respond(200, as_json(payments, begin, end))


def create_app(
    settings: SandboxProviderSettings,
    clock: Callable[[], datetime] = values.now,
    webhook_transport: httpx.AsyncBaseTransport | None = None,
) -> ASGIApp:
    """Create the application. It sends events through `webhook_transport`; None means the network.

    Raises:
        ConfigurationError: the key is missing.
    """
    provider = SandboxProvider(settings, clock, webhook_transport)
    app = FastAPI(title="sandbox provider", lifespan=provider.lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    paths: list[str] = []

    def add(method: str, path: str, act: Callable[[Request], Any]) -> None:
        async def handle(request: Request) -> Response:
            try:
                provider.check_key(request)
                response: Response = await act(request)
            except _Refused as refused:
                return _respond(refused.status, {"error": {"code": refused.code, "message": str(refused)}})
            except ServiceError as error:
                return _respond(error.status, {"error": {"code": error.code, "message": error.message}})
            return response

        app.add_api_route(path, handle, methods=[method], include_in_schema=False)
        paths.append(path)

    add("POST", "/v1/payments", provider.authorise)
    add("GET", "/v1/payments/{order_id}", provider.find)
    add("POST", "/v1/payments/{order_id}/capture", provider.act)
    add("POST", "/v1/payments/{order_id}/void", provider.act)
    add("GET", "/v1/statement", provider.statement)

    async def ping() -> None:
        await provider.file.ping()

    return RequestIdMiddleware(HealthEndpoints(app, {"store": ping}), routes=paths)


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        document = json.loads(await read_body(request, MAX_BODY_BYTES))
    except BodyTooLarge:
        raise _Refused(413, "PAYLOAD_TOO_LARGE", f"at most {MAX_BODY_BYTES} bytes") from None
    except CodedBody:
        raise _Refused(415, "UNSUPPORTED_MEDIA_TYPE", "send the body without a content coding") from None
    except (ValueError, RecursionError):
        raise _Refused(400, "INVALID_REQUEST", "the body is not JSON") from None
    if not isinstance(document, dict):
        raise _Refused(400, "INVALID_REQUEST", "the body is not a JSON object")
    return document


def _instruction(document: Mapping[str, Any]) -> PaymentInstruction:
    for name in ("orderId", "type", "amount", "currency", "payee", "instrument"):
        value = document.get(name)
        if not isinstance(value, str) and not (value is None and name in {"payee", "instrument"}):
            raise _Refused(400, "INVALID_REQUEST", f"{name} must be a string")
    if not is_object_id(document["orderId"]):
        raise _Refused(400, "INVALID_REQUEST", "orderId must have 24 hex digits")
    try:
        amount = check_precision(parse_amount(document["amount"]), document["currency"])
        kind = TransactionType(document["type"])
    except (InvalidValue, ValueError) as error:
        raise _Refused(400, "INVALID_REQUEST", str(error)) from None
    return PaymentInstruction(
        document["orderId"], kind, amount, document["currency"], document.get("payee"), document.get("instrument")
    )


def _time(request: Request, name: str, default: datetime) -> datetime:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise _Refused(400, "INVALID_REQUEST", f"{name}: {error}") from None


def _respond_payment(payment: Payment | None) -> Response:
    if payment is None:
        raise _Refused(404, "PAYMENT_NOT_FOUND", "there is no payment for this order")
    return _respond(200, payment.to_json())


def _respond(status: int, body: Mapping[str, object]) -> Response:
    return JSONResponse(dict(body), status_code=status, headers={"cache-control": "no-store"})
