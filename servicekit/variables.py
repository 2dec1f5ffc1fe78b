"""Every environment variable of the platform, in one table.

The table is what an unknown ``MOSAFE_*`` variable is judged against in *every* process (a process knows only its
own settings class), and what ``.env.example`` is printed from. A test holds it equal to the settings classes.
"""

from __future__ import annotations

from typing import NamedTuple


class Variable(NamedTuple):
    """One environment variable.

    Attributes:
        name: as in the environment.
        default: as text, or what happens when unset, in angle brackets.
        meaning: one sentence.
        secret: whether ``<name>_FILE`` may name a file that holds the value, and the value is never printed.
    """

    name: str
    default: str
    meaning: str
    secret: bool = False


class Section(NamedTuple):
    title: str
    variables: tuple[Variable, ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "Every process",
        (
            Variable("MOSAFE_DATA_DIR", ".mosafe", "Folder of embedded databases, keys and the service credential."),
            Variable("MOSAFE_HOST", "127.0.0.1", "Address the process listens on."),
            Variable("MOSAFE_LOG_FORMAT", "auto", "auto (text on a terminal, JSON elsewhere), json or text."),
            Variable("MOSAFE_LOG_LEVEL", "info", "debug, info, warning or error."),
            Variable("MOSAFE_SHUTDOWN_SECONDS", "8", "How long requests in flight may still run after SIGTERM."),
            Variable(
                "MOSAFE_SERVICE_SECRET",
                "<generated into the data directory>",
                "Shared secret that signs calls between services; at least 32 characters.",
                secret=True,
            ),
            Variable(
                "MOSAFE_PARENT_PIPE",
                "<unset>",
                "Set by `mosafe up` for its children: a file descriptor whose end means that the parent died.",
            ),
        ),
    ),
    Section(
        "Auth service",
        (
            Variable("AUTH_PORT", "3001", "Port of the auth subgraph."),
            Variable(
                "AUTH_DB_URL",
                "<SQLite in the data directory>",
                "Where users and sessions are stored; this release knows sqlite:///path.",
                secret=True,
            ),
            Variable(
                "AUTH_JWT_SECRET",
                "<generated into the data directory>",
                "Encrypts the private signing keys at rest; at least 32 characters.",
                secret=True,
            ),
            Variable("AUTH_ISSUER", "http://127.0.0.1:3001", "The `iss` claim of access tokens."),
            Variable(
                "AUTH_JWKS_URL",
                "<AUTH_ISSUER>/.well-known/jwks.json",
                "Where the other processes fetch the public signing keys.",
            ),
        ),
    ),
    Section(
        "Account service",
        (
            Variable("ACCOUNT_PORT", "3002", "Port of the account subgraph."),
            Variable(
                "ACCOUNT_DB_URL",
                "<SQLite in the data directory>",
                "Where accounts and the ledger are stored; this release knows sqlite:///path.",
                secret=True,
            ),
            Variable("ACCOUNT_MAX_PER_USER", "100", "How many accounts that are not closed a user may own."),
        ),
    ),
    Section(
        "Transaction service",
        (
            Variable("TRANSACTION_PORT", "3003", "Port of the transaction subgraph."),
            Variable(
                "TRANSACTION_DB_URL",
                "<SQLite in the data directory>",
                "Where transactions are stored; this release knows sqlite:///path.",
                secret=True,
            ),
            Variable("ACCOUNT_INTERNAL_URL", "http://127.0.0.1:3002", "Base URL of the account service's postings."),
        ),
    ),
    Section(
        "Router",
        (
            Variable("ROUTER_PORT", "4000", "Port of the router."),
            Variable("ROUTER_WORKERS", "1", "Processes the router serves with, one for each core to use."),
            Variable("ROUTER_ADMIN", "false", "Whether the router's port for operators is open, on 127.0.0.1."),
            Variable("ROUTER_ADMIN_PORT", "4001", "Port for operators of the router."),
            Variable(
                "ROUTER_ADMIN_TOKEN", "<unset: nobody can>", "Bearer token with which operators reload; 16 characters."
            ),
            Variable("ROUTER_INTROSPECTION", "true", "Whether clients may introspect the API schema."),
            Variable("AUTH_URL", "http://127.0.0.1:3001/graphql", "Where the router finds the auth subgraph."),
            Variable("ACCOUNT_URL", "http://127.0.0.1:3002/graphql", "Where the router finds the account subgraph."),
            Variable(
                "TRANSACTION_URL", "http://127.0.0.1:3003/graphql", "Where the router finds the transaction subgraph."
            ),
        ),
    ),
    Section(
        "REST layer",
        (
            Variable("REST_PORT", "8000", "Port of the REST layer."),
            Variable("ROUTER_URL", "http://127.0.0.1:4000/graphql", "Where the REST layer finds the router."),
            Variable(
                "REST_SUPERGRAPH",
                "<supergraph.graphql of the checkout>",
                "The schema that the REST layer checks its operations against at start-up.",
            ),
        ),
    ),
    Section(
        "Shared stores of later releases (setting one is refused, so that it is not silently ignored)",
        (
            Variable("REDIS_URL", "<unset: embedded>", "Redis for revocations, caches and rate limits.", secret=True),
            Variable("KAFKA_BROKERS", "<unset: in-process bus>", "Kafka brokers for transaction events."),
        ),
    ),
)

KNOWN: frozenset[str] = frozenset(variable.name for section in SECTIONS for variable in section.variables)

SECRETS: frozenset[str] = frozenset(v.name for section in SECTIONS for v in section.variables if v.secret)


def render_env_example() -> str:
    """``.env.example``: every variable with meaning and default, all commented out."""
    lines = [
        "# Every variable of the platform. All are optional: unset means the default shown.",
        "# Copy this file to .env and uncomment what you change; variables of the environment win over it.",
        "# A secret may also come from a file (Docker secrets): NAME_FILE=/run/secrets/name.",
    ]
    for section in SECTIONS:
        lines += ["", f"# --- {section.title}"]
        for variable in section.variables:
            lines.append(f"# {variable.meaning}{' Also NAME_FILE.' if variable.secret else ''}")
            shown = f"  {variable.default}" if variable.default.startswith("<") else variable.default
            lines.append(f"# {variable.name}={shown}")
    return "\n".join(lines) + "\n"
