"""Loaders batch the look-ups of one request, so that each level of an operation needs only one store query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from subgraphs.auth.domain import User
    from subgraphs.auth.oauth.clients import Client
    from subgraphs.auth.oauth.store import Grant
    from subgraphs.auth.store.protocol import AuthStore

UserLoader = DataLoader[str, "User | None"]
GrantLoader = DataLoader[str, "tuple[Grant, Client] | None"]


@dataclass(frozen=True, slots=True)
class Loaders:
    """The loaders of one request.

    Attributes:
        users: users by id; None for an unknown id.
        grants: grants by the id of their session, with the client; None for a session without a grant.
    """

    users: UserLoader
    grants: GrantLoader


def create_loaders(store: AuthStore) -> Loaders:
    """Return the loaders of a new request."""
    return Loaders(create_user_loader(store), create_grant_loader(store))


def create_user_loader(store: AuthStore) -> UserLoader:
    """Return a loader of users by id. For an unknown id, it returns None."""

    async def load(ids: list[str]) -> list[User | None]:
        found = await store.users(ids)
        return [found.get(user_id) for user_id in ids]

    return DataLoader(load_fn=load)


def create_grant_loader(store: AuthStore) -> GrantLoader:
    """Return a loader of grants by the id of their session, with the client. Without a grant, it returns None."""

    async def load(session_ids: list[str]) -> list[tuple[Grant, Client] | None]:
        found = await store.oauth.grants_of_sessions(session_ids)
        return [found.get(session_id) for session_id in session_ids]

    return DataLoader(load_fn=load)
