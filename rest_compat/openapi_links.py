"""The links of the OpenAPI document. A link says that a value in a response is an input of another operation.

If the input is an id in a path, or a cursor, the link is derived from the table of routes. Orders name accounts in
their bodies, so the links to orders are written in this module, each with the complete body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from rest_compat import scalars
from rest_compat.representations import ACCOUNT, SESSION, TRANSACTION
from rest_compat.route import PARAMETER_MARK, DocumentPage, OneDocument
from rest_compat.routes import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rest_compat.representations import Representation
    from rest_compat.route import Route

Link = Mapping[str, Any]

_BODY: Final = "$response.body#"
# Maps the name of a resource to its path. In these paths, the id of the resource is `id`. In other paths, the id has a
# name such as `accountId`.
_PLACES: Final[Mapping[str, str]] = {
    ACCOUNT.name: f"/api/accounts/{PARAMETER_MARK}id",
    TRANSACTION.name: f"/api/transactions/{PARAMETER_MARK}id",
}
# By default, Schemathesis merges the body of a link into a generated body. If the generated body is another kind of
# order, the result has fields of both kinds. This extension switches the merge off.
_WHOLE_BODY: Final = {"x-schemathesis": {"merge_body": False}}
_EUROS: Final = {"amount": "1.00", "currency": "EUR"}
_IN_EUROS: Final = "For an account in euros that has money."


def operation_id(route: Route) -> str:
    head, *rest = route.operation.split("_")
    return head + "".join(word.capitalize() for word in rest)


def links(route: Route) -> dict[str, Link]:
    """Return a mapping for the successful responses of `route`: name of a link → the link."""
    success = route.success
    if isinstance(success, DocumentPage):
        found = dict(_to_resource(success.representation, f"{_BODY}/data/0"))
        if success.representation is ACCOUNT:
            found["transfer"] = _transfer(f"{_BODY}/data/0", f"{_BODY}/data/1")
        found["nextPage"] = {
            "operationId": operation_id(route),
            "parameters": {
                **{name: f"$request.path.{name}" for name in route.path_parameters},
                "cursor": f"{_BODY}/pagination/nextCursor",
            },
        }
        return found
    if not isinstance(success, OneDocument):
        return {}
    if success.representation is SESSION:
        return dict(_to_session(route))
    return dict(_to_resource(success.representation, _BODY)) if success.location else {}


def _to_resource(representation: Representation, resource: str) -> Iterator[tuple[str, Link]]:
    """Yield links to the operations on a resource.

    `resource` is an expression that says where the response has the resource, such as `$response.body#/data/0`.
    """
    place = _PLACES[representation.name]
    named = f"{representation.name.lower()}Id"
    for route in ROUTES:
        if route.path == place or route.path.startswith(f"{place}/"):
            yield operation_id(route), {"operationId": operation_id(route), "parameters": {"id": f"{resource}/id"}}
        elif named in route.path_parameters:
            yield operation_id(route), {"operationId": operation_id(route), "parameters": {named: f"{resource}/id"}}
    if representation is ACCOUNT:
        yield from _to_orders(resource)


def _to_session(route: Route) -> Iterator[tuple[str, Link]]:
    """Yield links from a response with a session to the operations that return another session.

    `refresh` uses the refresh token of the response. After `register`, `login` uses the e-mail and password of the
    request.
    """
    yield "refresh", _with_body("refresh", {"refreshToken": f"{_BODY}/refreshToken"})
    if operation_id(route) == "register":
        yield "login", _with_body("login", {name: f"$request.body#/{name}" for name in ("email", "password")})


def _to_orders(account: str) -> Iterator[tuple[str, Link]]:
    """Yield links from an account to the orders that move its money.

    The amount of an order must have as many decimals as the currency of the account. So the amount of the deposit is
    the digit 1 followed by the account's balance: `10.00` for the balance `0.00`. It is never zero.
    """
    deposit = {"amount": f"1{{{account}/balance}}", "currency": f"{account}/currency"}
    source = {"sourceAccountId": f"{account}/id", **_EUROS}
    state = (f"{account}/id", f"{account}/balance")
    for name, body, description in (
        ("deposit", {"type": "DEPOSIT", "destinationAccountId": f"{account}/id", **deposit}, ""),
        ("withdraw", {"type": "WITHDRAWAL", **source}, _IN_EUROS),
        ("pay", {"type": "PAYMENT", "payee": scalars.PAYEE.example, **source}, _IN_EUROS),
    ):
        yield name, {**_with_body("createTransaction", body, description), **_with_key(name, *state)}


def _transfer(source: str, destination: str) -> Link:
    number = f"{destination}/accountNumber"
    body = {"sourceAccountId": f"{source}/id", "destinationAccountNumber": number, **_EUROS}
    link = _with_body("transfer", body, "For accounts in euros, of which the first has money.")
    return {**link, **_with_key("transfer", f"{source}/id", f"{source}/balance", number)}


def _with_key(order: str, *expressions: str) -> Link:
    """Return the part of a link that sets an idempotency key.

    The key contains the variable values of the body, so equal keys have equal bodies.
    """
    return {"parameters": {"Idempotency-Key": "-".join((order, *(f"{{{each}}}" for each in expressions)))}}


def _with_body(operation: str, body: Mapping[str, str], description: str = "") -> Link:
    explained = {"description": description} if description else {}
    return {"operationId": operation, **explained, "requestBody": dict(body), **_WHOLE_BODY}
