"""`mosafe auth`: the command that serves, and the operators' commands for users and roles.

The commands work directly on the store, so the first ADMIN can be created without an ADMIN. The service may be running.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import click

from bank import values
from servicekit.errors import BadUserInput
from subgraphs.auth import tokens
from subgraphs.auth.api_keys.commands import api_key_commands
from subgraphs.auth.audit_log.commands import audit_commands
from subgraphs.auth.audit_log.entry import MAX_TEXT, Action, Subject
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.domain import Role, User
from subgraphs.auth.identity_service import NewUser, TakenEmail, WeakChoice, create_user
from subgraphs.auth.key_commands import keys
from subgraphs.auth.mail.opening import open_queue
from subgraphs.auth.oauth.client_commands import clients
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.pages.account_pages import RESET
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.recovery.links import Link, Purpose
from subgraphs.auth.second_factor.notices import FactorChange, notice
from subgraphs.auth.session_commands import sessions
from subgraphs.auth.sessions.session_service import revoke_ended_sessions
from subgraphs.auth.settings import AuthSettings
from subgraphs.kit.commands import service_group
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from servicekit.asgi import ASGIApp
    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.store.protocol import AuthStore

# How long the link works with which a new user chooses a password (OWASP ASVS 5.0, 6.4.1).
_FIRST_LINK: Final = timedelta(hours=24)
_PAGE: Final = 500
_ROLE: Final = click.Choice([role.value for role in Role])


def _create_app(loaded: AuthSettings) -> ASGIApp:
    from subgraphs.auth.app import create_app  # noqa: PLC0415 - the commands of operators need no application

    return create_app(loaded)


command = service_group(
    "auth",
    AuthSettings,
    _create_app,
    help_text="The auth service; without a sub-command it serves.",
)
command.add_command(keys)
command.add_command(audit_commands)
command.add_command(sessions)
command.add_command(api_key_commands)


@command.command("migrate")
def migrate() -> None:
    """Create or update the tables and indexes of the store. The service does the same at its start."""
    asyncio.run(_migrate())
    click.echo("the auth store is up to date")


async def _migrate() -> None:
    async with open_store():
        pass


@command.group()
def users() -> None:
    """Create users, grant and revoke roles, disable and enable users, reset second factors, list users."""


@users.command("create")
@click.argument("email")
@click.option("--name", required=True, help="The name that other customers see.")
@click.option("--role", "roles", type=_ROLE, multiple=True, default=(Role.CUSTOMER.value,), show_default=True)
@click.option("--prompt", is_flag=True, help="Ask for the password instead of making a link.")
def create(email: str, name: str, roles: tuple[str, ...], *, prompt: bool) -> None:
    """Create a user, and print a link with which the user chooses a password.

    The link works once, and for 24 hours. Until then, nobody can log in as the user.
    """
    # The random password is never shown to anybody.
    password = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True) if prompt else tokens.new_secret_token()
    )
    new_user = NewUser(email, password, name, tuple(Role(role) for role in roles))
    user, link = asyncio.run(_create(new_user, with_link=not prompt))
    _print(user)
    if link is not None:
        click.echo(f"link: {link}")


@users.command("grant")
@click.argument("email")
@click.argument("role", type=_ROLE)
def grant(email: str, role: str) -> None:
    """Give a user one more role, from the next access token on."""

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        entry = log.by_operator(Action.ROLE_GRANTED, Subject.user(user.id), role=role)
        await store.grant(user.id, Role(role), audit=entry)

    _print(asyncio.run(_change(email, change)))


@users.command("revoke")
@click.argument("email")
@click.argument("role", type=_ROLE)
def revoke(email: str, role: str) -> None:
    """Remove a role from a user. The user's sessions end immediately, because their tokens contain the role."""

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        entry = log.by_operator(Action.ROLE_REVOKED, Subject.user(user.id), role=role)
        await store.revoke_role(user.id, Role(role), values.now(), audit=entry)

    _print(asyncio.run(_change(email, change)))


@users.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Forbid a user to log in. The user's sessions end immediately."""

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        entry = log.by_operator(Action.USER_DISABLED, Subject.user(user.id))
        await store.disable(user.id, values.now(), audit=entry)

    _print(asyncio.run(_change(email, change)))


@users.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Allow a disabled user to log in again."""

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        await store.enable(user.id, audit=log.by_operator(Action.USER_ENABLED, Subject.user(user.id)))

    _print(asyncio.run(_change(email, change)))


def _evidence(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """Return the evidence of an identity as it is written to the audit log."""
    evidence = text.strip()
    if not evidence or len(evidence) > MAX_TEXT or not values.is_line(evidence):
        raise click.BadParameter(f"one line of at most {MAX_TEXT} characters")
    return evidence


@users.command("reset-factors")
@click.argument("email")
@click.option(
    "--evidence",
    prompt="How did you identify the user, and where is the record of it",
    callback=_evidence,
    help="How you have identified the user, such as `passport, branch 12, case 4711`; it is written to the audit log.",
)
def reset_factors(email: str, evidence: str) -> None:
    """Remove all second factors of a user who has lost them. The user's sessions end immediately.

    Identify the user first, as at the opening of an account: from then on, the password alone begins a session. The
    user gets a mail about it.
    """

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        entry = log.by_operator(Action.FACTORS_RESET, Subject.user(user.id), evidence=evidence)
        mails = notice(open_queue(settings(), store.mails, values.now), user, FactorChange.RESET)
        await store.second_factors.reset(user.id, values.now(), audit=entry, mails=mails)

    _print(asyncio.run(_change(email, change)))


@users.command("list")
def list_users() -> None:
    """List all users, oldest first."""
    for user in asyncio.run(_all_users()):
        state = "  disabled" if user.disabled_at is not None else ""
        created_at = values.format_timestamp(user.created_at)
        click.echo(f"{user.id}  {created_at}  {user.email}  {_roles(user)}{state}")


command.add_command(clients)


async def _create(wish: NewUser, *, with_link: bool) -> tuple[User, str | None]:
    """Store a user. Return the user and, if wanted, the link with which the user chooses a password."""
    async with open_store() as store:
        log = await open_audit_log(settings(), store)

        def audit(user: User) -> NewEntry:
            return log.by_operator(Action.USER_CREATED, Subject.user(user.id), roles=_roles(user))

        with PasswordHasher() as hasher:
            try:
                outcome = await create_user(store, hasher, wish, values.now(), audit)
            except BadUserInput as error:
                raise click.ClickException(_problems(error)) from error
        match outcome:
            case TakenEmail():
                raise click.ClickException("this e-mail address is already registered")
            case WeakChoice(reason):
                raise click.ClickException(reason)
        return outcome, await _first_link(store, outcome) if with_link else None


async def _first_link(store: AuthStore, user: User) -> str:
    """Return a link with which a new user chooses a password."""
    token, now = tokens.new_secret_token(), values.now()
    link = Link(tokens.digest(token), Purpose.RESET_PASSWORD, user.id, user.email, now, now + _FIRST_LINK)
    await store.recovery.issue(link, now)
    return f"{settings().links_url}{RESET}?{urlencode({'token': token})}"


def _problems(error: BadUserInput) -> str:
    fields = error.details["fields"]
    assert isinstance(fields, list)  # noqa: S101 - check_user's promise, for the type checker
    return "; ".join(f"{field['path'][-1]}: {field['message']}" for field in fields)


async def _change(email: str, change: Callable[[AuthStore, AuditLog, User], Awaitable[None]]) -> User:
    """Run `change` on the user with this e-mail address, and return the changed user.

    From now on, every process refuses the tokens of the sessions that `change` ended.
    """
    async with open_store() as store:
        async with open_revocation_list(settings()) as revocations:
            known = await store.credentials(email)
            if known is None:
                raise click.ClickException("no user has this e-mail address")
            await change(store, await open_audit_log(settings(), store), known.user)
            await revoke_ended_sessions(store, revocations, values.now(), known.user.id)
        return (await store.users([known.user.id]))[known.user.id]


async def _all_users() -> list[User]:
    found: list[User] = []
    async with open_store() as store:
        while page := await store.list_users(found[-1].id if found else "", _PAGE):
            found += page
    return found


def _print(user: User) -> None:
    state = "  disabled" if user.disabled_at is not None else ""
    click.echo(f"{user.id}  {user.email}  {_roles(user)}{state}")


def _roles(user: User) -> str:
    return ",".join(sorted(user.roles))
