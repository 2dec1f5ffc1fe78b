"""Tables of environment variables. They contain each variable's meaning and default, and whether it is a secret.

A process accepts only the `MOSAFE_*` variables in its table. `.env.example` is generated from a table, too. The table
in this module has the variables that every process reads. A platform makes its own table, which also has the sections
of its services.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec


class Variable(msgspec.Struct, frozen=True):
    """One environment variable.

    Attributes:
        name: the name in the environment.
        default: the default as text. If there is no fixed default, a text in angle brackets says what happens if the
            variable is unset.
        meaning: a sentence that says what the variable is for.
        secret: whether `<name>_FILE` may name a file that holds the value. The value is never printed.
    """

    name: str
    default: str
    meaning: str
    secret: bool = False


class Section(msgspec.Struct, frozen=True):
    """The variables of one service, under one heading of `.env.example`."""

    title: str
    variables: tuple[Variable, ...]


class VariableTable(msgspec.Struct, frozen=True, dict=True):
    """All variables that the processes of one platform read."""

    sections: tuple[Section, ...]

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(variable for section in self.sections for variable in section.variables)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(variable.name for variable in self.variables)

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the variables that hold a secret."""
        return frozenset(variable.name for variable in self.variables if variable.secret)

    def env_example(self) -> str:
        """Return the content of `.env.example`: every variable with its meaning and default, as comments."""
        lines = [
            "# Every variable of the platform. All are optional: unset means the default shown.",
            "# Copy this file to .env and uncomment what you change; variables of the environment win over it.",
            "# A secret may also come from a file (Docker secrets): NAME_FILE=/run/secrets/name.",
        ]
        for section in self.sections:
            lines += ["", f"# --- {section.title}"]
            for variable in section.variables:
                lines.append(f"# {variable.meaning}{' Also NAME_FILE.' if variable.secret else ''}")
                shown = f"  {variable.default}" if variable.default.startswith("<") else variable.default
                lines.append(f"# {variable.name}={shown}")
        return "\n".join(lines) + "\n"


EVERY_PROCESS: Final = Section(
    "Every process",
    (
        Variable(
            "MOSAFE_ENV",
            "<development for `mosafe up` and `router serve --dev`, otherwise production>",
            "development or production; docs/environment.md says what each does.",
        ),
        Variable("MOSAFE_DATA_DIR", ".mosafe", "Folder of embedded databases, keys and the service credential."),
        Variable("MOSAFE_HOST", "127.0.0.1", "Address the process listens on."),
        Variable(
            "MOSAFE_TRUSTED_PROXIES",
            "127.0.0.0/8,::1/128",
            "Networks whose X-Forwarded-For is believed, separated by commas; none trusts no proxy.",
        ),
        Variable("MOSAFE_LOG_FORMAT", "auto", "auto (JSON, but text on a terminal in development), json or text."),
        Variable("MOSAFE_LOG_LEVEL", "info", "debug, info, warning or error."),
        Variable("MOSAFE_SHUTDOWN_SECONDS", "8", "How long requests in flight may still run after SIGTERM."),
        Variable(
            "MOSAFE_SERVICE_SECRET",
            "<generated into the data directory>",
            "Shared secret that signs calls between services; at least 32 characters.",
            secret=True,
        ),
        Variable(
            "MOSAFE_TLS_CERT_FILE",
            "<unset: plain HTTP>",
            "PEM file with the certificate of this process; with the next two, mutual TLS is on: docs/deploy/mtls.md.",
        ),
        Variable("MOSAFE_TLS_KEY_FILE", "<unset>", "PEM file with the private key of that certificate; mode 0600."),
        Variable(
            "MOSAFE_TLS_CA_FILE",
            "<unset>",
            "PEM file with the authorities that issue the certificates of the platform.",
        ),
        Variable(
            "MOSAFE_HEALTH_PORT",
            "<with mutual TLS, a port of the process's own; otherwise no such port>",
            "Port with plain HTTP for /health/live and /health/ready only, for probes.",
        ),
        Variable("MOSAFE_HEALTH_HOST", "127.0.0.1", "Address of that port."),
        Variable(
            "MOSAFE_PARENT_PIPE",
            "<unset>",
            "Set by `mosafe up` for its children: a file descriptor whose end means that the parent died.",
        ),
    ),
)

PROCESS_VARIABLES: Final = VariableTable((EVERY_PROCESS,))
