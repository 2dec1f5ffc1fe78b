"""The names of the log lines about security (docs/security/router.md). Names are stable: alerts are built on them.

Each event is a log line of the logger `security`. The field `event` of the line is the name of the event. A line has no
token, no key and no claim.
"""

from __future__ import annotations

from enum import StrEnum

import structlog

_log = structlog.stdlib.get_logger("security")


class SecurityEvent(StrEnum):
    """The name of an event. The comment behind each name lists the fields of the log line."""

    CREDENTIAL_REFUSED = "credential refused"  # method, reason
    CREDENTIAL_MISSING = "credential missing"
    KEYS_UNAVAILABLE = "signing keys unavailable"  # issuer, reason
    KEYS_CHANGED = "signing keys changed"  # issuer, keys
    API_KEYS_UNAVAILABLE = "API keys cannot be exchanged"  # reason
    PROOFS_UNAVAILABLE = "used proofs unavailable"  # reason
    REVOCATION_UNAVAILABLE = "revocation list unavailable"  # reason
    ACCESS_REFUSED = "access refused"  # operation, kind, fields, requirements
    STEP_UP_REQUIRED = "step-up required"  # operation, kind, fields, acr_values, max_age
    COST_EXCEEDED = "cost exceeded"  # operation, code, refused, estimate, limit, subgraph
    RATE_LIMITED = "rate limited"  # rules, seconds
    RATE_LIMITS_UNAVAILABLE = "rate limits unavailable"  # reason, instead
    RATE_LIMITS_AVAILABLE = "rate limits available"
    BREAKER_OPEN = "circuit breaker open"  # subgraph
    BREAKER_CLOSED = "circuit breaker closed"  # subgraph
    SERVER_EJECTED = "server ejected"  # subgraph, server
    IDEMPOTENCY_UNAVAILABLE = "idempotency keys unavailable"  # reason
    POLICY_UNAVAILABLE = "policy decision unavailable"  # policies, reason


def report(event: SecurityEvent, **fields: object) -> None:
    """Write the log line of an event."""
    _log.warning(event.value, **fields)
