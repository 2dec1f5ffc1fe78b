"""API keys in GraphQL (bank §2.24)."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - strawberry reads annotations at run time
from typing import Annotated, Union

import strawberry

from servicekit.finish_despite_cancellation import to_the_end
from subgraphs.auth.api_keys import api_key as rules
from subgraphs.auth.api_keys.api_key import MAX_KEYS, SCOPES
from subgraphs.auth.api_keys.api_key_service import NewSecret, TooManyKeys
from subgraphs.auth.graphql_user import Info  # noqa: TC001 - as above
from subgraphs.kit.connections import short_list
from subgraphs.kit.graphql_problems import Problem

# Two secrets of a key are valid at the same time, at most.
_MAX_SECRETS = 2


@strawberry.type(description="A key with which a machine acts as its owner, within the scopes of the key.")
class ApiKey:
    id: strawberry.ID = strawberry.field(description="16 hexadecimal digits; the secret contains them after `msk_`.")
    name: str = strawberry.field(description="What the owner calls the key.")
    scopes: list[str] = strawberry.field(
        directives=[short_list(len(SCOPES))], description="What the machine may do, such as `bank:read`."
    )
    created_at: datetime = strawberry.field(description="When the key was created.")
    expires_at: datetime = strawberry.field(description="When the key ends.")
    revoked_at: datetime | None = strawberry.field(description="When the key was revoked; null if it was not.")
    last_used_at: datetime | None = strawberry.field(
        description="When the key was last used, exact to about a minute; null if it never was."
    )
    secrets_end_at: list[datetime] = strawberry.field(
        directives=[short_list(_MAX_SECRETS)],
        description="When each secret ends that is still valid, the latest first; after a rotation there are two.",
    )


@strawberry.type(description="A key with a new secret.")
class ApiKeySecret:
    api_key: ApiKey = strawberry.field(description="The key.")
    secret: str = strawberry.field(
        description="What the machine sends in `Authorization: Bearer` or `X-API-Key`. It is shown only now."
    )


@strawberry.type(description="The key has ended, at once and for every service.")
class ApiKeyRevoked:
    api_key: ApiKey = strawberry.field(description="The key.")


@strawberry.type(description="The owner has as many keys as possible; revoke one first.")
class ApiKeyLimitReached(Problem):
    limit: int = strawberry.field(description="How many keys a user may have.")


@strawberry.type(description="The caller has no key with this id that is still valid.")
class InvalidApiKey(Problem):
    api_key_id: strawberry.ID = strawberry.field(description="The id, as the caller gave it.")


CreateApiKeyResult = Annotated[
    ApiKeySecret | ApiKeyLimitReached,
    strawberry.union("CreateApiKeyResult", description="The new key, or why it was not created."),
]
RotateApiKeyResult = Annotated[
    ApiKeySecret | InvalidApiKey,
    strawberry.union("RotateApiKeyResult", description="The key with its new secret, or why it has none."),
]
RevokeApiKeyResult = Annotated[
    Union[ApiKeyRevoked, InvalidApiKey],  # noqa: UP007 - as the other unions
    strawberry.union("RevokeApiKeyResult", description="The revoked key, or why nothing was revoked."),
]


@strawberry.input(description="A new API key.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="A name of 1 to 100 characters.")
    scopes: list[str] = strawberry.field(
        description=f"What the machine may do: one or more of {', '.join(f'`{scope}`' for scope in sorted(SCOPES))}."
    )
    days: int = strawberry.field(
        default=rules.DEFAULT_DAYS, description=f"After how many days the key ends, 1 to {rules.MAX_DAYS}."
    )


@strawberry.input(description="A key that gets a new secret.")
class RotateApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the key.")
    overlap_hours: int = strawberry.field(
        default=24, description="For how many hours the old secret stays valid, 0 to 720."
    )


@strawberry.input(description="A key that ends.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="The id of the key.")


async def _api_keys(info: Info) -> list[ApiKey] | None:
    return [_present(key) for key in await info.context.api_keys.list_own(info.context.caller)]


async def _create(
    info: Info,
    input: Annotated[CreateApiKeyInput, strawberry.argument(description="The key.")],  # noqa: A002 - the schema's name
) -> CreateApiKeyResult:
    context = info.context
    created = await context.api_keys.create(context.caller, input.name, frozenset(input.scopes), input.days)
    if isinstance(created, TooManyKeys):
        return ApiKeyLimitReached(code="LIMIT_REACHED", message="You have as many API keys as possible", limit=MAX_KEYS)
    return _secret(created)


async def _rotate(
    info: Info,
    input: Annotated[RotateApiKeyInput, strawberry.argument(description="The key.")],  # noqa: A002 - as above
) -> RotateApiKeyResult:
    context = info.context
    # After the change, the ended sessions are revoked. A client that closes its connection must not prevent this.
    rotated = await to_the_end(context.api_keys.rotate(context.caller, input.id, input.overlap_hours))
    return _invalid(input.id) if rotated is None else _secret(rotated)


async def _revoke(
    info: Info,
    input: Annotated[RevokeApiKeyInput, strawberry.argument(description="The key.")],  # noqa: A002 - as above
) -> RevokeApiKeyResult:
    revoked = await to_the_end(info.context.api_keys.revoke(info.context.caller, input.id))
    return _invalid(input.id) if revoked is None else ApiKeyRevoked(api_key=_present(revoked))


def _invalid(key_id: str) -> InvalidApiKey:
    return InvalidApiKey(code="INVALID_API_KEY", message="API key not found", api_key_id=strawberry.ID(key_id))


def _secret(new: NewSecret) -> ApiKeySecret:
    return ApiKeySecret(api_key=_present(new.key), secret=new.secret)


def _present(key: rules.ApiKey) -> ApiKey:
    return ApiKey(
        id=strawberry.ID(key.id),
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        secrets_end_at=list(key.secrets_end_at),
    )


@strawberry.type
class ApiKeyQueries:
    api_keys: list[ApiKey] | None = strawberry.field(
        resolver=_api_keys,
        directives=[short_list(MAX_KEYS)],
        description="The caller's API keys that are still valid, oldest first.",
    )


@strawberry.type
class ApiKeyMutations:
    create_api_key: CreateApiKeyResult | None = strawberry.field(
        resolver=_create, description="Create an API key of the caller; its secret is shown once."
    )
    rotate_api_key: RotateApiKeyResult | None = strawberry.field(
        resolver=_rotate,
        description="Give a key of the caller a new secret; the old one stays valid for a while.",
    )
    revoke_api_key: RevokeApiKeyResult | None = strawberry.field(
        resolver=_revoke,
        description="End a key at once and for every service: one's own, or anybody's for administrators.",
    )
