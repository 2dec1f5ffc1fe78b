"""`persisted_documents`: documents that are registered before any client sends them."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import Duration, FilePath, HeaderName

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]

_RESERVED = frozenset({"query", "operationName", "variables", "extensions"})


class PersistedMode(Enum):
    """What the router does with a document that is in no manifest. The last mode is the strictest."""

    DISABLED = "disabled"
    MEASURE = "measure"
    ALLOW_LIST = "allow_list"
    REQUIRE_ID = "require_id"


class SharedCache(Section):
    """Lets a shared cache, such as a CDN, store responses to GET requests that have the id of a document."""

    enabled: bool = False
    """Whether responses to such requests have a `Cache-Control` for shared caches. Only a response without errors, to a
    request without a credential, may be stored; all others are `private, no-store`. How long it may be stored follows
    from `@cacheControl` in the supergraph."""
    default_max_age: Duration | None = None
    """How long the data of root fields and of fields with objects may be stored if the supergraph has no
    `@cacheControl` for them. With null, they may not be stored. Another value is right only if no such field depends
    on who asks."""
    vary: tuple[HeaderName, ...] = ()
    """Further headers of requests on which responses depend, for example `accept-language`."""


class PersistedDocuments(Section):
    """Documents that are registered before any client sends them.

    The build of a client writes all its documents into a file, the manifest. The router reads the manifests.
    """

    mode: PersistedMode = PersistedMode.DISABLED
    """`disabled`: manifests are ignored. `measure`: documents that are in no manifest are run and logged. `allow_list`:
    documents that are in no manifest are refused. `require_id`: a request must have the id of a document; a document
    sent as text is refused, even if it is in a manifest."""
    manifests: tuple[FilePath, ...] = ()
    """Manifest files, in the format of Apollo (apollo-persisted-query-manifest) or of Relay and Hive (an object that
    maps ids to documents)."""
    parameters: tuple[ParameterName, ...] = ("documentId",)
    """Names of the body members and query string parameters in which a client may send the id of a document."""
    extension: bool = True
    """Whether a client may send the id in `extensions.persistedQuery.sha256Hash`, as Apollo's clients do."""
    url_path: bool = False
    """Whether a client may send the id at the end of the endpoint's path: /graphql/<id>."""
    shared_cache: SharedCache = SharedCache.model_construct()
    """Lets a shared cache, such as a CDN, store responses to GET requests that have the id of a document."""

    @field_validator("parameters")
    @classmethod
    def _are_not_reserved(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if _RESERVED & set(value):
            raise ValueError("this parameter is reserved by GraphQL over HTTP")
        return value

    @model_validator(mode="after")
    def _has_manifests(self) -> PersistedDocuments:
        if self.mode is not PersistedMode.DISABLED and not self.manifests:
            raise ValueError(f"`mode: {self.mode.value}` needs `manifests`")
        return self
