"""Settings from environment variables. They are read once, validated together, and then never change.

A process declares a subclass of `ProcessSettings`. The alias of each field is the name of its variable. `variables` is
a table of all variables that may be set:

```python
class AuthSettings(ProcessSettings):
    variables: ClassVar[VariableTable] = VARIABLES

    port: Port = Field(3001, alias="AUTH_PORT")
```

`load(AuthSettings, environment())` reads them. A mistake (an unknown `MOSAFE_*` name, a malformed value, a secret that
is given twice) raises a `ConfigurationError` that names the variable, and the process does not start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)

from servicekit.client_address import LOOPBACK, TrustedProxies
from servicekit.errors import ConfigurationError, StartupError
from servicekit.private_files import refuse_loose_secret
from servicekit.secret_strength import weakness
from servicekit.tls.process_files import tls_files
from servicekit.variable_names import PREFIX, misspelt, nearest, without_service_links
from servicekit.variables import PROCESS_VARIABLES, VariableTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicekit.tls.files import TlsFiles

FILE_SUFFIX = "_FILE"

# With port 0, the kernel chooses a free port. Tests use this.
Port = Annotated[int, Field(ge=0, le=65535)]

Env = Literal["development", "production"]
"""The purpose of a process; docs/environment.md has a table of what each value changes."""


def _not_of_documentation(value: SecretStr, info: ValidationInfo) -> SecretStr:
    if info.data.get("env") == "production" and (weak := weakness(value.get_secret_value())) is not None:
        raise ValueError(f"this secret {weak}; make one with: openssl rand -hex 32")
    return value


# A secret has at least 32 characters. 32 hexadecimal characters contain 128 bits, as a symmetric signing key needs.
Secret = Annotated[SecretStr, Field(min_length=32), AfterValidator(_not_of_documentation)]
Proxies = Annotated[TrustedProxies, BeforeValidator(TrustedProxies.parse)]


class ProcessSettings(BaseModel):
    """The settings that every process has.

    Attributes:
        variables: all known environment variables, including variables that only other processes read.
        env: `production` by default, so that a forgotten variable does not make the process less secure.
        data_dir: folder of embedded databases, keys and the service credential.
        trusted_proxies: the networks whose `X-Forwarded-For` is believed.
        shutdown_seconds: how long requests in flight may still run after SIGTERM.
        parent_pipe: a file descriptor. Its end of file means that the supervising process has died.
        tls_certificate, tls_key, tls_authorities: the files of mutual TLS (`tls_files`).
        health_port: the port for probes, with plain HTTP. None: the default of the process with mutual TLS, no port
            without.
        health_host: the address of that port.
    """

    variables: ClassVar[VariableTable] = PROCESS_VARIABLES

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False, hide_input_in_errors=True)

    # This field is the first one, because the validators of secrets read its value.
    env: Env = Field("production", alias="MOSAFE_ENV")
    data_dir: Path = Field(Path(".mosafe"), alias="MOSAFE_DATA_DIR")
    host: str = Field("127.0.0.1", alias="MOSAFE_HOST", min_length=1)
    trusted_proxies: Proxies = Field(LOOPBACK, alias="MOSAFE_TRUSTED_PROXIES")
    log_format: Literal["auto", "json", "text"] = Field("auto", alias="MOSAFE_LOG_FORMAT")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="MOSAFE_LOG_LEVEL")
    shutdown_seconds: float = Field(8, alias="MOSAFE_SHUTDOWN_SECONDS", gt=0, le=300)
    service_secret: Secret | None = Field(None, alias="MOSAFE_SERVICE_SECRET")
    parent_pipe: int | None = Field(None, alias="MOSAFE_PARENT_PIPE", ge=0)
    tls_certificate: Path | None = Field(None, alias="MOSAFE_TLS_CERT_FILE")
    tls_key: Path | None = Field(None, alias="MOSAFE_TLS_KEY_FILE")
    tls_authorities: Path | None = Field(None, alias="MOSAFE_TLS_CA_FILE")
    health_port: Port | None = Field(None, alias="MOSAFE_HEALTH_PORT")
    health_host: str = Field("127.0.0.1", alias="MOSAFE_HEALTH_HOST", min_length=1)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def tls_files(self) -> TlsFiles | None:
        """The files of mutual TLS. None if the process serves, and calls others, without TLS.

        Raises:
            ConfigurationError: only some of the variables are set.
        """
        return tls_files(self.tls_certificate, self.tls_key, self.tls_authorities)


S = TypeVar("S", bound=ProcessSettings)


def environment(folder: Path | None = None) -> dict[str, str]:
    """Return the environment variables of the process, completed by the file `.env` in `folder`.

    If a variable is in both, the value of the process is used. The default of `folder` is the working directory.

    Variables that Kubernetes sets for services are left out, because `ROUTER_PORT=tcp://10.0.0.1:4000` is not the port
    on which our router must listen.
    """
    given = without_service_links(os.environ)
    if given.get("MOSAFE_PARENT_PIPE"):  # `mosafe up` started this process, and has read `.env` itself
        return given
    path = (folder or Path.cwd()) / ".env"
    if not path.is_file():
        return given
    from dotenv import dotenv_values  # noqa: PLC0415 - its import takes long, and few processes have the file

    return {**{name: value for name, value in dotenv_values(path).items() if value}, **given}


def load(cls: type[S], environ: Mapping[str, str]) -> S:
    """Read settings of the class `cls` from `environ`.

    An empty value counts as unset, as in `docker compose` files.

    Raises:
        ConfigurationError: a variable is unknown, malformed, unreadable or given twice.
    """
    refuse_unknown(environ, cls.variables)
    values: dict[str, str] = {}
    for name in variable_names(cls):
        value = _lookup(environ, name, is_secret=name in cls.variables.secrets)
        if value:
            values[name] = value
    try:
        return cls.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        # For a default that is refused because of another variable, pydantic names the field, not its alias.
        field = cls.model_fields.get(str(first["loc"][0]))
        name = str(first["loc"][0]) if field is None or field.alias is None else field.alias
        raise ConfigurationError(name, first["msg"].removeprefix("Value error, ")) from None


def variable_names(cls: type[ProcessSettings]) -> frozenset[str]:
    """Return the environment variables that the settings class `cls` reads."""
    return frozenset(field.alias for field in cls.model_fields.values() if field.alias)


def refuse_unknown(environ: Mapping[str, str], table: VariableTable) -> None:
    """Refuse misspelt variables: any unknown `MOSAFE_*`, and any other name that is similar to a name in `table`.

    Raises:
        ConfigurationError: names the variable and the nearest known name.
    """
    known = table.names | {name + FILE_SUFFIX for name in table.secrets}
    for name in sorted(without_service_links(environ).keys() - known):
        near = nearest(name, known) if name.startswith(PREFIX) else misspelt(name, known)
        if near is not None or name.startswith(PREFIX):
            raise ConfigurationError(name, f"unknown variable{f'; did you mean {near}?' if near else ''}")


def _lookup(environ: Mapping[str, str], name: str, *, is_secret: bool) -> str | None:
    """Return the value of `name`.

    A secret may also be in a file that the variable `<name>_FILE` names. White space around the value is removed.
    """
    value = environ.get(name)
    file_variable = name + FILE_SUFFIX
    path = environ.get(file_variable) if is_secret else None
    if not path:
        return value
    if value:
        raise ConfigurationError(file_variable, f"{name} is set as well; keep one of them")
    try:
        refuse_loose_secret(Path(path))
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigurationError(file_variable, f"cannot read {path}: {reason}") from error
    except StartupError as error:
        raise ConfigurationError(file_variable, str(error)) from error
    if not content:
        raise ConfigurationError(file_variable, f"{path} is empty")
    return content


def sqlite_path(url: SecretStr | None, variable: str, default: Path) -> Path:
    """Return the file that a `sqlite:///path` URL names. Without a URL, return `default`.

    Raises:
        ConfigurationError: the URL names a store that this release does not support.
    """
    if url is None:
        return default
    scheme, _, path = url.get_secret_value().partition(":///")
    if scheme != "sqlite" or not path:
        raise ConfigurationError(
            variable, "this release supports only sqlite:///path; unset it for the embedded default"
        )

    return Path(path)
