"""A small subgraph with the kit: books, one of which fails to load."""

# No `from __future__ import annotations`: Strawberry reads these annotations while the module is still loading.
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import strawberry
from strawberry import UNSET

from bank.identity import Caller, TokenVerifier
from servicekit.asgi import ASGIApp
from servicekit.errors import Forbidden, ServiceError
from servicekit.settings import load
from subgraphs.kit.app import create_app
from subgraphs.kit.connections import PAGED, Connection, CursorCodec
from subgraphs.kit.context import BaseContext
from subgraphs.kit.scalars import Currency, Metadata
from subgraphs.kit.schema import create_schema, text_of
from subgraphs.kit.settings import SubgraphSettings
from subgraphs.kit.token_verification import token_verifier
from tests.subgraphs.support import Issuer

CODEC = CursorCodec(b"k" * 32, width=1)
TITLES = tuple(f"book {number}" for number in range(5))
WHEN = datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)
Info = strawberry.Info[BaseContext, None]


@strawberry.federation.type(keys=["id"])
class Book:
    id: strawberry.ID
    price: Decimal
    currency: Currency
    printed_at: datetime

    @classmethod
    async def resolve_reference(cls, info: Info, representation: Mapping[str, object]) -> "Book | None":
        del info
        title = text_of(representation, "id")
        if title == "burnt":
            raise RuntimeError("the shelf at /srv/secret caught fire")
        if title == "locked":
            raise Forbidden
        return book(title) if title in TITLES else None


def book(title: str) -> Book:
    return Book(id=strawberry.ID(title), price=Decimal("1.50"), currency=Currency("EUR"), printed_at=WHEN)


async def _books(
    first: int | None = UNSET, after: str | None = UNSET, last: int | None = UNSET, before: str | None = UNSET
) -> Connection[Book]:
    page = CODEC.request(first, after, last, before)
    rows = [
        title
        for title in TITLES
        if (page.after is None or title > page.after[0]) and (page.before is None or title < page.before[0])
    ]
    if page.backwards:
        rows.reverse()

    async def count() -> int:
        return len(TITLES)

    return CODEC.page(page, rows[: page.limit + 1], lambda title: (title,), book, count)


def _echo(
    amount: Decimal | None = UNSET,
    currency: Currency | None = UNSET,
    at: datetime | None = UNSET,
    metadata: Metadata | None = UNSET,
) -> str:
    return repr([value for value in (amount, currency, at, metadata) if value is not UNSET])


def _me(info: Info) -> str:
    return info.context.caller.user_id


@dataclass
class Reading:
    """The field `readAll`, which does not end by itself.

    Attributes:
        begun: the field is being resolved.
        ended: it was cancelled.
    """

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def read_all(self) -> str:
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return ""


class Context(BaseContext):
    def __init__(self, caller: Caller | ServiceError | None, reading: Reading) -> None:
        super().__init__(caller)
        self.reading = reading


async def _read_all(info: strawberry.Info[Context, None]) -> str:
    return await info.context.reading.read_all()


def _broken() -> str:
    raise RuntimeError("password=hunter2")


@strawberry.type
class Query:
    books: Connection[Book] = strawberry.field(resolver=_books, directives=[PAGED])
    echo: str = strawberry.field(resolver=_echo)
    me: str | None = strawberry.field(resolver=_me)
    broken: str | None = strawberry.field(resolver=_broken)
    read_all: str | None = strawberry.field(resolver=_read_all)


@strawberry.type
class Mutation:
    shelve: str = strawberry.field(resolver=lambda: "shelved")


SCHEMA = create_schema(query=Query, mutation=Mutation)


@dataclass(frozen=True, slots=True)
class Runtime:
    verifier: TokenVerifier
    reading: Reading

    def context(self, caller: Caller | ServiceError | None) -> BaseContext:
        return Context(caller, self.reading)

    async def ping(self) -> None:
        """Never raises."""

    def details(self) -> Mapping[str, object]:
        return {"books": 1}


def app(issuer: Issuer, data_dir: Path, reading: Reading | None = None, **variables: str) -> ASGIApp:
    settings = load(SubgraphSettings, {**issuer.environment(), "MOSAFE_DATA_DIR": str(data_dir), **variables})

    @asynccontextmanager
    async def open_runtime() -> AsyncIterator[Runtime]:
        async with token_verifier(settings) as verifier:
            yield Runtime(verifier, reading or Reading())

    return create_app(SCHEMA, open_runtime, settings, title="library")
