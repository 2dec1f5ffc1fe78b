"""`persisted_documents`: documents that are registered before any client sends them."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from enum import Enum
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import FilePath

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]

_RESERVED = frozenset({"query", "operationName", "variables", "extensions"})


class PersistedMode(Enum):
    """What the router does with documents that are not in a manifest, from the least to the most strict mode."""

    DISABLED = "disabled"
    MEASURE = "measure"
    ALLOW_LIST = "allow_list"
    REQUIRE_ID = "require_id"


class PersistedDocuments(Section):
    """Documents that are registered before any client sends them: client builds write them into manifests."""

    mode: PersistedMode = PersistedMode.DISABLED
    """`measure` runs and logs documents that are not in a manifest; `allow_list` refuses them; `require_id` accepts
    only ids."""
    manifests: tuple[FilePath, ...] = ()
    """Files in the format of Apollo (apollo-persisted-query-manifest), or of Relay and Hive (an object from id to
    text)."""
    parameters: tuple[ParameterName, ...] = ("documentId",)
    """Names of body members or query string parameters that hold an id."""
    extension: bool = True
    """Whether `extensions.persistedQuery.sha256Hash` is read as an id, as Apollo's clients send it."""
    url_path: bool = False
    """Whether an id may follow the endpoint's path: /graphql/<id>."""

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
