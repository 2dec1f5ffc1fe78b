"""Measures identity: verifications of tokens, logins against bare argon2, refreshes against a bare transaction.

    python -m benchmarks.auth.run                 every figure
    python -m benchmarks.auth.run --logins 100    fewer logins for the comparison of known and unknown addresses

What is compared runs in turns within one run, so that other work on the machine disturbs both alike. PostgreSQL runs on
this machine; its transactions are written to the disk. The exit code is 1 if a bound is missed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import asyncpg
import click
import structlog

from bank.identity import RemoteKeys, TokenVerifier
from benchmarks.bank.figures import Figure, print_figures
from servicekit.settings import load
from subgraphs.auth import refresh_tokens, tokens
from subgraphs.auth.app import open_runtime
from subgraphs.auth.attempts import Origin
from subgraphs.auth.domain import RefreshToken, Session
from subgraphs.auth.password_hashing import PasswordHasher, threads
from subgraphs.auth.settings import AuthSettings
from tests.servers import PostgresServer, running

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from subgraphs.auth.app import AuthRuntime
    from subgraphs.auth.domain import User

PASSWORD: Final = "correct horse battery"  # noqa: S105 - of users that only this run has
ORIGIN: Final = Origin("127.0.0.1", has_address_limits=False)
# Transactions at a time: PostgreSQL writes those that commit together with one flush of its log.
AT_ONCE: Final = 10
TURNS: Final = 8
# Many, so that the start and the end of a turn, in which not all threads hash, do not count for much.
LOGINS_OF_TURN: Final = 60
REFRESHES_OF_TURN: Final = 200
VERIFICATIONS: Final = 3_000
USERS: Final = 40


class NothingRevoked:
    """A list of revoked sessions without entries, in memory."""

    async def revoke(self, session_id: str, expires_at: float) -> None:
        raise NotImplementedError

    async def is_revoked(self, _session_id: str) -> bool:
        return False


@click.command()
@click.option("--logins", default=400, show_default=True, help="Logins each with a known and an unknown address.")
def main(logins: int) -> None:
    """Measure all figures, and print them with their bounds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    figures = asyncio.run(measure(logins))
    print_figures(figures)
    if any(figure.is_kept is False for figure in figures):
        sys.exit(1)


async def measure(logins: int) -> list[Figure]:
    with (
        TemporaryDirectory(prefix="postgres-") as folder,
        running(PostgresServer(Path(folder), is_durable=True)) as server,
    ):
        url = server.new_database()
        async with AsyncExitStack() as stack:
            data = stack.enter_context(TemporaryDirectory())
            limits = "login-global=100000000/60, register-global=1000000/3600"
            environ = {
                "MOSAFE_DATA_DIR": data,
                "AUTH_DB_URL": url,
                "AUTH_LOGIN_FAILURES_PER_ACCOUNT": "1000",
                "AUTH_RATE_LIMITS": limits,
            }
            settings = load(AuthSettings, {"MOSAFE_ENV": "development", "AUTH_HASHING_QUEUE": "1000", **environ})
            runtime = await stack.enter_async_context(open_runtime(settings))
            users = [await sign_up(runtime, number) for number in range(USERS)]
            return [
                *await verifications(runtime, settings, users[0]),
                await logins_against_argon2(runtime),
                *await refreshes(runtime, users, url),
                *await known_and_unknown(runtime, logins),
            ]


async def sign_up(runtime: AuthRuntime, number: int) -> User:
    signed_in = await runtime.services.identity.register(
        email=address(number), password=PASSWORD, name="Ann", origin=ORIGIN
    )
    return signed_in.user  # type: ignore[union-attr] # the addresses are new and the password is good


def address(number: int) -> str:
    return f"user{number}@example.com"


async def verifications(runtime: AuthRuntime, settings: AuthSettings, user: User) -> list[Figure]:
    """Verify tokens with the keys and the revocations in memory: the same token each time, and a new one each time."""

    async def fetch() -> dict[str, object]:
        return {"keys": await runtime.keys.public_keys()}

    verifier = TokenVerifier(issuer=settings.issuer, keys=RemoteKeys(fetch), revocations=NothingRevoked())
    issuer = tokens.AccessTokens(issuer=settings.issuer, keys=runtime.keys)
    session = Session.begin("benchmark", user.id, user.created_at)
    fresh = [(await issuer.issue(user, session)).text for _ in range(VERIFICATIONS)]
    new = await processor_seconds_of(lambda: one_by_one(verifier, fresh))
    same = await processor_seconds_of(lambda: one_by_one(verifier, fresh[-1:] * VERIFICATIONS))
    return [
        Figure("verifications of new tokens, by processor time", VERIFICATIONS / new, "1/s"),
        Figure("verifications of a known token, by processor time", VERIFICATIONS / same, "1/s"),
    ]


async def one_by_one(verifier: TokenVerifier, texts: Sequence[str]) -> None:
    for text in texts:
        await verifier.verify(text)


async def logins_against_argon2(runtime: AuthRuntime) -> Figure:
    """Compare logins, in as many threads as there are cores, with the bare verification of a hash in such threads."""
    at_once = 2 * threads()
    bare_seconds: list[float] = []
    login_seconds: list[float] = []
    with PasswordHasher(queue=1000) as hasher:
        encoded = await hasher.hash(PASSWORD)
        for turn in range(TURNS):
            work: tuple[tuple[list[float], Callable[[int], Awaitable[object]]], ...] = (
                (bare_seconds, lambda _: hasher.verify(PASSWORD, encoded)),
                (login_seconds, lambda number: log_in(runtime, address(number % USERS), PASSWORD)),
            )
            for times, do in work if turn % 2 else reversed(work):
                times.append(await seconds_of(lambda do=do: in_parallel(do, LOGINS_OF_TURN, at_once)))  # type: ignore[misc] # mypy cannot infer the default of a lambda
    return Figure("logins, of bare argon2", sum(bare_seconds) / sum(login_seconds), "", least=0.9)


async def log_in(runtime: AuthRuntime, email: str, password: str) -> object:
    return await runtime.services.identity.login(email=email, password=password, origin=ORIGIN)


async def refreshes(runtime: AuthRuntime, users: Sequence[User], url: str) -> list[Figure]:
    """Compare refreshes with bare transactions on the same server that delete a row and insert another."""
    chains = []
    for number in range(AT_ONCE):
        user = users[number % len(users)]
        text = refresh_tokens.new_refresh_token()
        family = refresh_tokens.family_digest(text, tokens.digest)
        session = replace(Session.begin(f"benchmark {number}", user.id, user.created_at), family=family)
        token = RefreshToken.issue(tokens.digest(text), session, user.created_at)
        await runtime.store.begin_session(session, token, user.created_at)
        chains.append([text])
    pool = await asyncpg.create_pool(url, min_size=AT_ONCE, max_size=AT_ONCE)
    await pool.execute("CREATE TABLE bare (id BYTEA PRIMARY KEY, session_id TEXT, at TIMESTAMPTZ)")
    rows = [[os.urandom(32)] for _ in range(AT_ONCE)]

    async def refresh(number: int) -> None:
        chain = chains[number % AT_ONCE]
        signed_in = await runtime.services.sessions.refresh(chain[-1])
        chain.append(signed_in.refresh_token)  # type: ignore[union-attr] # nobody else has the tokens

    async def bare(number: int) -> None:
        row = rows[number % AT_ONCE]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM bare WHERE id = $1", row[-1])
            row.append(os.urandom(32))
            await connection.execute("INSERT INTO bare VALUES ($1, 'session', now())", row[-1])

    bare_seconds, refresh_seconds = 0.0, 0.0
    for _ in range(TURNS):
        bare_seconds += await seconds_of(lambda: in_chains(bare, REFRESHES_OF_TURN))
        refresh_seconds += await seconds_of(lambda: in_chains(refresh, REFRESHES_OF_TURN))
    await pool.close()
    count = TURNS * REFRESHES_OF_TURN
    rate, ratio = count / refresh_seconds, bare_seconds / refresh_seconds
    # One of the two bounds suffices: the rate depends on the machine.
    return [
        Figure("refreshes on PostgreSQL", rate, "1/s", least=None if ratio >= 0.5 else 500),  # noqa: PLR2004 - the bound
        Figure("refreshes, of bare transactions", ratio, "", least=None if rate >= 500 else 0.5),  # noqa: PLR2004 - as above
    ]


async def known_and_unknown(runtime: AuthRuntime, logins: int) -> list[Figure]:
    """Compare the medians of failing logins, one after the other, with known and with unknown addresses."""
    known: list[float] = []
    unknown: list[float] = []
    for number in range(logins):
        pair = (
            (known, address(number % USERS)),
            (unknown, f"nobody{number}@example.com"),
        )
        for times, email in pair if number % 2 else reversed(pair):
            times.append(await seconds_of(lambda email=email: log_in(runtime, email, "wrong password")))  # type: ignore[misc] # as above
    known_ms, unknown_ms = (1000 * statistics.median(times) for times in (known, unknown))
    return [
        Figure("failed login, known address, median", known_ms, "ms"),
        Figure("failed login, unknown address, median", unknown_ms, "ms"),
        Figure("difference of the medians", 100 * abs(known_ms - unknown_ms) / known_ms, "%", most=2.0),
    ]


async def seconds_of(do: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await do()
    return time.perf_counter() - begun


async def processor_seconds_of(do: Callable[[], Awaitable[object]]) -> float:
    begun = time.process_time()
    await do()
    return time.process_time() - begun


async def in_parallel(do: Callable[[int], Awaitable[object]], count: int, at_once: int) -> None:
    """Run `do` for the numbers up to `count`, with `at_once` calls at a time."""
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await do(number)

    await asyncio.gather(*(worker() for _ in range(at_once)))


async def in_chains(do: Callable[[int], Awaitable[object]], count: int) -> None:
    """Run `do` for the numbers up to `count`. Numbers with the same last digit run one after the other."""

    async def chain(first: int) -> None:
        for number in range(first, count, AT_ONCE):
            await do(number)

    await asyncio.gather(*(chain(first) for first in range(AT_ONCE)))


if __name__ == "__main__":
    main()
