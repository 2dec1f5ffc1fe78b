"""The links of the OpenAPI document. A link says that a value in a response is an input of another operation.

If the input is an id in a path, or a cursor, the link is derived from the table of routes. An order names accounts in
its body, so links to orders are listed in this module. Each of these links has the complete body.
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
# Maps the name of a resource to its path. In the paths of other resources, the parameter for its id has a name such as
# `accountId`.
_PLACES: Final[Mapping[str, str]] = {
    ACCOUNT.name: f"/api/accounts/{PARAMETER_MARK}id",
    TRANSACTION.name: f"/api/transactions/{PARAMETER_MARK}id",
}
# Schemathesis would merge the body of a link into a generated body. This would mix the fields of two kinds of orders,
# so this extension prevents it.
_WHOLE_BODY: Final = {"x-schemathesis": {"merge_body": False}}
_EUROS: Final = {"amount": "1.00", "currency": "EUR"}
_IN_EUROS: Final = "For an account in euros that has money."


def operation_id(route: Route) -> str:
    head, *rest = route.operation.split("_")
    return head + "".join(word.capitalize() for word in rest)


def links(route: Route) -> dict[str, Link]:
    """Return the links of the successful responses of `route`, by name."""
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

    The expression `resource` is the place of the resource in the response, such as `$response.body#/data/0`.
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
    """Yield links from a session to the next one; a new customer can log in with the same e-mail and password."""
    yield "refresh", _with_body("refresh", {"refreshToken": f"{_BODY}/refreshToken"})
    if operation_id(route) == "register":
        yield "login", _with_body("login", {name: f"$request.body#/{name}" for name in ("email", "password")})


def _to_orders(account: str) -> Iterator[tuple[str, Link]]:
    """Yield links from an account to the orders that move its money.

    A body must have as many decimals as its currency has. So the amount of a deposit is made of the balance: with a
    digit before it, it is never zero.
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
    """Return an idempotency key for the order. Equal keys have equal bodies, which are made of the same values."""
    return {"parameters": {"Idempotency-Key": "-".join((order, *(f"{{{each}}}" for each in expressions)))}}


def _with_body(operation: str, body: Mapping[str, str], description: str = "") -> Link:
    explained = {"description": description} if description else {}
    return {"operationId": operation, **explained, "requestBody": dict(body), **_WHOLE_BODY}
