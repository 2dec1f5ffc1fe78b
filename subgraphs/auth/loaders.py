"""Loaders batch the look-ups of one request, so that each level of an operation needs only one store query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from subgraphs.auth.domain import User
    from subgraphs.auth.store.protocol import AuthStore

UserLoader = DataLoader[str, "User | None"]


def create_user_loader(store: AuthStore) -> UserLoader:
    """Return a loader of users by id. For an unknown id, it returns None."""

    async def load(ids: list[str]) -> list[User | None]:
        found = await store.users(ids)
        return [found.get(user_id) for user_id in ids]

    return DataLoader(load_fn=load)
