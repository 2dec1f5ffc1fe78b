"""`supergraph`: the file or URL from which the router reads the supergraph."""

# ruff: noqa: TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.types import Duration, FilePath, HttpUrl, SettableHeader, check_header_value


class SupergraphSource(Section):
    """The file or URL of the supergraph. The option `--supergraph` overrides it."""

    file: FilePath | None = None
    """A file with the supergraph."""
    url: HttpUrl | None = None
    """A URL that the router polls. An unchanged supergraph (same ETag or text) causes no reload."""
    headers: Mapping[SettableHeader, SecretStr] = {}
    """Headers of the request to the URL, for example `Authorization`; never printed."""
    poll_interval: Duration = 10.0
    """Time between two polls of the URL. Each pause is up to a tenth shorter or longer, at random, so that many routers
    do not poll at the same moment."""
    timeout: Duration = 10.0
    """Time limit for one response from the URL."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for the URL, instead of the system's authorities."""

    @field_validator("headers")
    @classmethod
    def _have_valid_values(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for value in headers.values():
            check_header_value(value.get_secret_value())
        return headers

    @model_validator(mode="after")
    def _has_one_source(self) -> SupergraphSource:
        if self.file is not None and self.url is not None:
            raise ValueError("give either `file` or `url`")
        return self
