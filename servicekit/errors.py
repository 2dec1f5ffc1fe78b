"""Errors that any process may raise, and which part of them a client may see.

```
ServiceError                      code and message are safe for clients; the cause is only logged
├── Unauthenticated               401  UNAUTHENTICATED
├── Forbidden                     403  FORBIDDEN
├── BadUserInput                  400  BAD_USER_INPUT
├── RateLimited                   429  RATE_LIMITED
├── Unavailable                   503  SERVICE_UNAVAILABLE
│   └── StoreFailure              a store is locked, full, damaged or missing
├── TimedOut                      504  GATEWAY_TIMEOUT
└── InternalError                 500  INTERNAL_SERVER_ERROR
StartupError                      never reaches a client: the process stops with it
├── ConfigurationError            names the variable
└── PortTaken                     names the port and the variable that changes it
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The `Retry-After` of an unavailable component: roughly the time that a process takes to restart.
RETRY_AFTER_SECONDS: Final = 5


class ServiceError(Exception):
    """An error that is reported to the client.

    Attributes:
        code: a stable code in upper snake case. It becomes `extensions.code` in GraphQL and `error.code` in REST.
        status: the HTTP status that corresponds to the code.
        message: safe for clients.
        details: JSON values, safe for clients.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    default_message: ClassVar[str]

    def __init__(self, message: str | None = None, *, details: Mapping[str, object] | None = None) -> None:
        self.message = message or self.default_message
        self.details: Mapping[str, object] = details or {}
        super().__init__(self.message)


class Unauthenticated(ServiceError):
    code = "UNAUTHENTICATED"
    status = 401
    default_message = "A valid access token is required"


class Forbidden(ServiceError):
    code = "FORBIDDEN"
    status = 403
    default_message = "Not allowed"


class BadUserInput(ServiceError):
    code = "BAD_USER_INPUT"
    status = 400
    default_message = "The input is not valid"


class RateLimited(ServiceError):
    """The client sent too many requests.

    Attributes:
        retry_after: after how many seconds the client may try again.
        policy: the limit as in the header `RateLimit-Policy`, such as `"login-account";q=10;w=900`.
    """

    code = "RATE_LIMITED"
    status = 429
    default_message = "Too many requests"

    def __init__(self, message: str | None = None, *, retry_after: int, policy: str | None = None) -> None:
        details = {"retryAfter": retry_after} if policy is None else {"retryAfter": retry_after, "policy": policy}
        super().__init__(message, details=details)
        self.retry_after = retry_after
        self.policy = policy


class _TryAgain(ServiceError):
    """A temporary failure. `details` tells the client after how many seconds to try again."""

    def __init__(self, message: str | None = None, *, retry_after: int = RETRY_AFTER_SECONDS) -> None:
        super().__init__(message, details={"retryAfter": retry_after})
        self.retry_after = retry_after


class Unavailable(_TryAgain):
    """A component that the request needs is not available: it is down, full, locked, damaged or overloaded."""

    code = "SERVICE_UNAVAILABLE"
    status = 503
    default_message = "The service is not available right now"


class StoreFailure(Unavailable):
    """A store cannot be read or written.

    Attributes:
        explanation: one line for operators: which store, what is wrong with it, and what to do. Clients never see it.
    """

    def __init__(self, explanation: str) -> None:
        super().__init__()
        self.explanation = explanation


class TimedOut(_TryAgain):
    """The deadline of the request has passed, or a component that the request needs did not respond in time."""

    code = "GATEWAY_TIMEOUT"
    status = 504
    default_message = "The service did not respond in time"


class InternalError(ServiceError):
    code = "INTERNAL_SERVER_ERROR"
    status = 500
    default_message = "Something went wrong on our side"


class StartupError(Exception):
    """The process cannot start; the message says why and what to change."""


class ConfigurationError(StartupError):
    """A variable is unknown or malformed, or contradicts another variable. The message starts with its name."""

    def __init__(self, variable: str, problem: str) -> None:
        self.variable = variable
        self.problem = problem
        super().__init__(f"{variable}: {problem}")


class PortTaken(StartupError):
    """Another process listens on the port."""

    def __init__(self, host: str, port: int, variable: str) -> None:
        self.host = host
        self.port = port
        self.variable = variable
        super().__init__(
            f"port {port} on {host} is taken by another process; stop it, or choose another port with {variable}"
        )
