"""`authorization`: what happens with fields that a client may not read."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.sections.step_up import StepUpRule
from router.settings.types import CallablePath, Duration, FilePath, HttpUrl, SettableHeader, check_header_value


class PolicyServer(Section):
    """A server such as Open Policy Agent that decides about policies."""

    url: HttpUrl
    """URL of the decision, for example `http://127.0.0.1:8181/v1/data/graph/policies`. The router sends `{"input":
    {"policies": [...], "claims": {...}, "operation": "..."}}` by POST and expects `{"result": {"<policy>": true}}`."""
    headers: Mapping[SettableHeader, SecretStr] = {}
    """Headers of the request, for example `Authorization`; never printed."""
    timeout: Duration = 1.0
    """Time limit for the response of the server. Without a response, no policy holds."""
    cache_time: Duration | None = 5.0
    """How long the router uses a decision for further requests of the same client. With null, the router asks the
    server for each request."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for the URL, instead of the system's authorities."""

    @field_validator("headers")
    @classmethod
    def _have_valid_values(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for value in headers.values():
            check_header_value(value.get_secret_value())
        return headers


class Policies(Section):
    """How the router decides which policies (`@policy`) hold for a client: with a function or a server.

    If neither `function` nor `server` is set, no policy holds.
    """

    function: CallablePath | None = None
    """A Python function, `package.module:function`. It gets a `PolicyQuestion` and returns the policies that hold. It
    may be a coroutine function."""
    server: PolicyServer | None = None
    """A server that decides which policies hold."""

    @model_validator(mode="after")
    def _has_one_decider(self) -> Policies:
        if self.function is not None and self.server is not None:
            raise ValueError("give either `function` or `server`")
        return self


class RefusalError(Section):
    """The error that clients get for a field that they may not read."""

    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = "UNAUTHORIZED_FIELD_OR_TYPE"
    """The value of `extensions.code`."""
    message: Annotated[str, Field(min_length=1)] = "Unauthorized field or type"
    """The text of the error."""


class Authorization(Section):
    """What happens with fields that a client may not read.

    The directives `@authenticated`, `@requiresScopes` and `@policy` of the supergraph are always enforced, before
    anything is fetched. No setting switches this off.
    """

    mode: Literal["filter", "reject"] = "filter"
    """`filter`: each field that the client may not read is null and has an error; the client receives the other fields.
    `reject`: an operation with such a field is refused. In both modes, a mutation with such a field is refused.
    """
    log_refusals: bool = True
    """Whether each request with refused fields is logged as `access refused`."""
    unauthenticated: RefusalError = RefusalError.model_construct()
    """The error if the client has no valid credential."""
    forbidden: RefusalError = RefusalError.model_construct()
    """The error if the client has a credential that does not suffice."""
    policies: Policies = Policies.model_construct()
    """How the router decides which policies (`@policy`) hold."""
    step_up: tuple[StepUpRule, ...] = ()
    """Operations for which a client must have logged in recently, or in a certain way, such as with a second factor
    (RFC 9470). An operation is refused with 401 if one of its rules is not met. `clock_skew` of `authentication.jwt`
    applies."""
