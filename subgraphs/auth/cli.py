"""`mosafe auth`: the command that serves, and the operators' commands for users and roles.

The commands work directly on the store, so the first ADMIN can be created without an ADMIN. The service may be running.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Final

import click

from bank import values
from servicekit.errors import BadUserInput
from subgraphs.auth.api_keys.commands import api_key_commands
from subgraphs.auth.app import create_app
from subgraphs.auth.audit_log.commands import audit_commands
from subgraphs.auth.audit_log.entry import Action, Subject
from subgraphs.auth.audit_log.writing import open_audit_log
from subgraphs.auth.domain import Role, User
from subgraphs.auth.identity_service import NewUser, TakenEmail, WeakChoice, create_user
from subgraphs.auth.key_commands import keys
from subgraphs.auth.oauth.client_commands import clients
from subgraphs.auth.operator_access import open_store, settings
from subgraphs.auth.password_hashing import PasswordHasher
from subgraphs.auth.session_commands import sessions
from subgraphs.auth.sessions.session_service import revoke_ended_sessions
from subgraphs.auth.settings import AuthSettings
from subgraphs.kit.commands import service_group
from subgraphs.kit.revocation_list import open_revocation_list

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subgraphs.auth.audit_log.entry import NewEntry
    from subgraphs.auth.audit_log.writing import AuditLog
    from subgraphs.auth.store.protocol import AuthStore

# The number of random bytes of a generated password. 18 bytes are 24 characters, which cannot be guessed and can be
# copied by hand.
_GENERATED_PASSWORD_BYTES: Final = 18
_PAGE: Final = 500
_ROLE: Final = click.Choice([role.value for role in Role])


command = service_group(
    "auth",
    AuthSettings,
    create_app,
    help_text="The auth service; without a sub-command it serves.",
)
command.add_command(keys)
command.add_command(audit_commands)
command.add_command(sessions)
command.add_command(api_key_commands)


@command.group()
def users() -> None:
    """Create users, grant and revoke roles, disable and enable users, reset second factors, list users."""


@users.command("create")
@click.argument("email")
@click.option("--name", required=True, help="The name that other customers see.")
@click.option("--role", "roles", type=_ROLE, multiple=True, default=(Role.CUSTOMER.value,), show_default=True)
@click.option("--prompt", is_flag=True, help="Ask for the password instead of generating one.")
def create(email: str, name: str, roles: tuple[str, ...], *, prompt: bool) -> None:
    """Create a user; the generated password is printed once."""
    password = (
        click.prompt("Password", hide_input=True, confirmation_prompt=True)
        if prompt
        else secrets.token_urlsafe(_GENERATED_PASSWORD_BYTES)
    )
    user = asyncio.run(_create(NewUser(email, password, name, tuple(Role(role) for role in roles))))
    _print(user)
    if not prompt:
        click.echo(f"password: {password}")


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


@users.command("reset-factors")
@click.argument("email")
def reset_factors(email: str) -> None:
    """Remove all second factors of a user who has lost them. The user's sessions end immediately.

    Check first who is asking: from then on, the password alone begins a session.
    """

    async def change(store: AuthStore, log: AuditLog, user: User) -> None:
        entry = log.by_operator(Action.FACTORS_RESET, Subject.user(user.id))
        await store.second_factors.reset(user.id, values.now(), audit=entry)

    _print(asyncio.run(_change(email, change)))


@users.command("list")
def list_users() -> None:
    """List all users, oldest first."""
    for user in asyncio.run(_all_users()):
        state = "  disabled" if user.disabled_at is not None else ""
        created_at = values.format_timestamp(user.created_at)
        click.echo(f"{user.id}  {created_at}  {user.email}  {_roles(user)}{state}")


command.add_command(clients)


async def _create(wish: NewUser) -> User:
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
    return outcome


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
