"""`usage`: which operations clients send, recorded for reports and schema checks."""

# ruff: noqa: TC001  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import Count, Duration, HeaderName, NewFilePath


class Usage(Section):
    """Records which operations clients send, without the values that clients send.

    Literals are removed from operations. Of variables, only the names of input fields and the enum values are stored.
    """

    enabled: bool = False
    """Whether the router records usage."""
    file: NewFilePath | None = None
    """The SQLite file of the store. The router creates it. Several workers of one machine can share it."""
    postgres_url: SecretStr | None = None
    """URL of a PostgreSQL database that all routers of a deployment share, instead of `file`; never printed. It needs
    the extra `usage`."""
    flush_interval: Duration = 10.0
    """How often the router writes to the store. Until then, counts are only in memory."""
    one_in: Count = 1
    """With n, the router records each request with the probability 1/n, and counts it as n requests."""
    client_name_header: HeaderName = "apollographql-client-name"
    """The header with the name of the client."""
    client_version_header: HeaderName = "apollographql-client-version"
    """The header with the version of the client."""
    waiting_operations: Count = 10_000
    """Maximum number of counters in memory between two writes. There is one counter for each operation of each client.
    A request that needs one more counter is not recorded."""
    waiting_clients: Count = 1_000
    """Maximum number of clients in memory between two writes. Further clients are recorded as `(other)`."""
    stored_operations: Count = 200_000
    """Maximum number of operations in the store. Further operations are not recorded."""
    keep_days: Count = 90
    """How many days counts are kept."""
    keep_minutes_days: Count = 3
    """How many days counts are kept by minute. After that, only the sums of whole days are kept."""

    @field_validator("postgres_url")
    @classmethod
    def _is_postgres_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgres://", "postgresql://")):
            raise ValueError("a URL of PostgreSQL begins with postgres:// or postgresql://")
        return value

    @model_validator(mode="after")
    def _has_one_store(self) -> Usage:
        if self.enabled and (self.file is None) == (self.postgres_url is None):
            raise ValueError("recording usage needs either `file` or `postgres_url`")
        return self

    @property
    def location(self) -> str:
        """The URL or the path of the store; empty if neither is set."""
        if self.postgres_url is not None:
            return self.postgres_url.get_secret_value()
        return str(self.file) if self.file is not None else ""
