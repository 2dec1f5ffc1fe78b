"""Where documents come from besides a request's `query`: `apq`, `persisted_documents`; many at once: `batching`."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator

from router.settings.section import Count, Section
from router.settings.types import Duration, FilePath

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]

_RESERVED = frozenset({"query", "operationName", "variables", "extensions"})


class Redis(Section):
    """A Redis that several routers share."""

    url: SecretStr
    """redis://, rediss:// or unix://, with the credentials it needs; never printed."""
    timeout: Duration = 0.1
    """How long a lookup may take; after that, and for a second, the router does without."""
    ttl: Duration = 86_400.0
    """How long a document is kept after it was last registered."""
    prefix: str = "mosafe:apq:"
    """What its keys begin with."""

    @field_validator("url")
    @classmethod
    def _is_a_redis_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("a URL of a Redis begins with redis://, rediss:// or unix://")
        return value


class Apq(Section):
    """Automatic persisted queries: a client sends a document's hash, and the document only if the hash is not known."""

    enabled: bool = False
    """Whether clients may register documents."""
    entries: Count = 512
    """Documents kept in memory."""
    text_bytes: Count = 10_000_000
    """The size of all documents kept in memory."""
    redis: Redis | None = None
    """Where all routers of a deployment find what one of them learnt; null: each has only its memory."""


class PersistedMode(Enum):
    """What is asked of documents that are not on the list, from nothing to everything."""

    DISABLED = "disabled"
    MEASURE = "measure"
    ALLOW_LIST = "allow_list"
    REQUIRE_ID = "require_id"


class PersistedDocuments(Section):
    """Documents that are known before any client sends them, from the manifests that client builds write."""

    mode: PersistedMode = PersistedMode.DISABLED
    """`measure` runs what is not listed and logs it; `allow_list` refuses it; `require_id` takes nothing but ids."""
    manifests: tuple[FilePath, ...] = ()
    """Files in the format of Apollo (apollo-persisted-query-manifest), or of Relay and Hive (an object, id to text)."""
    parameters: tuple[ParameterName, ...] = ("documentId",)
    """Members of a body, or parameters of a query string, that hold an id."""
    extension: bool = True
    """Whether `extensions.persistedQuery.sha256Hash` holds an id, as clients of Apollo send it."""
    url_path: bool = False
    """Whether what follows the endpoint's path is an id: /graphql/<id>."""

    @field_validator("parameters")
    @classmethod
    def _are_free(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if _RESERVED & set(value):
            raise ValueError("this parameter has a meaning of its own in GraphQL over HTTP")
        return value

    @model_validator(mode="after")
    def _has_a_list(self) -> PersistedDocuments:
        if self.mode is not PersistedMode.DISABLED and not self.manifests:
            raise ValueError(f"`mode: {self.mode.value}` needs `manifests`")
        return self


class Batching(Section):
    """Several operations in one request, as an array; they run at once, answers are in the order of the requests."""

    enabled: bool = False
    """Whether that is allowed. How many: `limits.batch_size`."""
