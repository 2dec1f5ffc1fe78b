"""The internal REST routes, by which other services ask for the owners of accounts and send postings (bank §2.7).

The routes need a service credential for this audience; a user's access token is refused. The JSON has names in camel
case and amounts as strings.

| route | responses |
|---|---|
| `/internal/parties` | 200 `{source, destination}`: for each account its owner, or null |
| `/internal/postings` | 200 `{outcome: POSTED, postedAt}` or `{outcome: REFUSED, problem}`; 409 for a used id |
| `/internal/holds` | 200 `{outcome: HELD, heldAt, expiresAt}` or as `/internal/postings`; 409 for a used id |
| `/internal/holds/capture` | 200 as `/internal/postings`; 404 without such a hold; 409 for another amount than before |
| `/internal/holds/release` | 200 `{outcome: RELEASED, endedAt}`, `EXPIRED` or `CAPTURED`; 404 without such a hold |
| all | 400, which names every wrong field; 401, 413, 415, 503 |

A used id is the transaction id of an earlier request with other content.

`/internal/parties` responds with 429 if a person wants to transfer money to somebody else, but has already named too
many wrong receivers (`posting_rules.WRONG_RECEIVERS`). The transaction service then does not record the order.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Protocol, TypeVar

from bank import values
from bank.service_credential import ACCOUNT_INTERNAL
from bank.values import InvalidValue
from servicekit.errors import BadUserInput, RateLimited
from subgraphs.account.domain import Account, Operation, may
from subgraphs.account.errors import HoldNotFound
from subgraphs.account.holds import Hold
from subgraphs.account.internal_requests import (
    CaptureRequest,
    HoldRequest,
    PartiesRequest,
    PostingRequest,
    ReleaseRequest,
)
from subgraphs.account.posting_rules import WRONG_RECEIVER_WINDOW
from subgraphs.kit.internal_routes import InternalDocument, internal_route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bank.service_credential import ServiceCredential
    from subgraphs.account.limits import Limits
    from subgraphs.account.postings import OnBehalfOf
    from subgraphs.account.settlement import Outcome
    from subgraphs.account.store.protocol import AccountReads, AccountWrites
    from subgraphs.kit.service_routes import ServiceRoute


class InternalRuntime(Protocol):
    """The open resources that these routes need."""

    @property
    def store(self) -> AccountReads:
        """The store itself: decisions read no cache."""

    @property
    def writes(self) -> AccountWrites: ...

    @property
    def credential(self) -> ServiceCredential: ...

    @property
    def limits(self) -> Limits: ...


async def parties(runtime: InternalRuntime, request: PartiesRequest) -> dict[str, object]:
    """Return the owners of the accounts that the request names. The later posting checks the accounts again.

    Raises:
        RateLimited: the person has named too many wrong receivers. The request is refused even if its receiver exists
            and can receive money.
    """
    store, actor = runtime.store, request.on_behalf_of.actor()
    ids = [name for name in (request.source_account_id, request.destination_account_id) if name is not None]
    found = await store.by_ids(ids) if ids else {}
    source = found.get(request.source_account_id or "")
    destination = found.get(request.destination_account_id or "")
    number = request.destination_account_number
    if number is not None:
        destination = (await store.by_numbers([number])).get(number)
    if not request.destination_must_be_own and not (destination and destination.user_id == actor.user_id):
        await _check_tries(runtime, actor)
    return {
        "source": _party(source, actor, must_be_own=True),
        "destination": _party(destination, actor, must_be_own=request.destination_must_be_own),
    }


async def _check_tries(runtime: InternalRuntime, actor: OnBehalfOf) -> None:
    now = values.now()
    times = await runtime.store.wrong_receivers(actor.user_id, now)
    tries = runtime.limits.receiver_tries
    if len(times) >= tries:
        until = times[-tries] + WRONG_RECEIVER_WINDOW
        raise RateLimited(
            "Too many receivers that do not exist or cannot receive money",
            retry_after=max(1, ceil((until - now).total_seconds())),
        )


def _party(account: Account | None, actor: OnBehalfOf, *, must_be_own: bool) -> dict[str, object] | None:
    """Return the account's owner.

    Return None if the account does not exist. If `must_be_own`, also return None if `actor` may not see the account.
    """
    if account is None or (must_be_own and not may(actor, Operation.READ, account.user_id)):
        return None
    return {
        "accountId": account.id,
        "userId": account.user_id,
        "accountNumber": account.number,
        "currency": account.currency,
        "minorUnits": values.exponent(account.currency),
    }


async def postings(runtime: InternalRuntime, request: PostingRequest) -> dict[str, object]:
    """Make a posting, and return its outcome. If the request is repeated, return the same outcome again."""
    return _outcome(await runtime.writes.post(request.posting(), runtime.limits))


async def hold(runtime: InternalRuntime, request: HoldRequest) -> dict[str, object]:
    """Reserve the money of an order, and return the hold.

    If the request is repeated, return the same hold. If the order already has an outcome, return the outcome instead.
    """
    made = await runtime.writes.reserve(request.posting(), request.until(values.now()), runtime.limits)
    if isinstance(made, Hold):
        held_at, expires_at = (values.format_timestamp(moment) for moment in (made.created_at, made.expires_at))
        return {"outcome": made.status, "heldAt": held_at, "expiresAt": expires_at}
    return _outcome(made)


async def capture(runtime: InternalRuntime, request: CaptureRequest) -> dict[str, object]:
    """Post the order of a hold, and return its outcome. If the request is repeated, return the same outcome again.

    Raises:
        HoldNotFound: no hold has this transaction id.
        BadUserInput: the amount is greater than the held amount.
    """
    try:
        outcome = await runtime.writes.capture(request.transaction_id, request.amount, runtime.limits)
    except InvalidValue as error:
        field = {"path": ["amount"], "code": "INVALID_VALUE", "message": str(error)}
        raise BadUserInput(details={"fields": [field]}) from None
    if outcome is None:
        raise HoldNotFound
    return _outcome(outcome)


async def release(runtime: InternalRuntime, request: ReleaseRequest) -> dict[str, object]:
    """End a hold, and return how it ended. If the hold has already ended, it is not changed.

    Raises:
        HoldNotFound: no hold has this transaction id.
    """
    ended = await runtime.writes.release(request.transaction_id)
    if ended is None or ended.ended_at is None:
        raise HoldNotFound
    return {"outcome": ended.status, "endedAt": values.format_timestamp(ended.ended_at)}


def _outcome(outcome: Outcome) -> dict[str, object]:
    if outcome.problem is None:
        return {"outcome": "POSTED", "postedAt": outcome.decided_at}
    return {"outcome": "REFUSED", "problem": outcome.problem}


D = TypeVar("D", bound=InternalDocument)


def internal_routes(runtime: Callable[[], InternalRuntime]) -> tuple[ServiceRoute, ...]:
    """Create the routes. They use the open resources that `runtime` returns."""

    def verify(authorization: str | None) -> str:
        return runtime().credential.verify(authorization, audience=ACCOUNT_INTERNAL)

    def route(
        path: str, document: type[D], act: Callable[[InternalRuntime, D], Awaitable[Mapping[str, object]]]
    ) -> ServiceRoute:
        return internal_route(path, document, verify, lambda _service, given: act(runtime(), given))

    return (
        route("/internal/parties", PartiesRequest, parties),
        route("/internal/postings", PostingRequest, postings),
        route("/internal/holds", HoldRequest, hold),
        route("/internal/holds/capture", CaptureRequest, capture),
        route("/internal/holds/release", ReleaseRequest, release),
    )
