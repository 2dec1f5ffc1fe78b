"""The settings of the auth service."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator

from bank.secret_file import read_or_create_secret
from servicekit.errors import ConfigurationError
from servicekit.settings import Port, Secret  # noqa: TC001 - pydantic reads annotations at run time
from subgraphs.auth import limit_table
from subgraphs.auth.domain import SessionRules
from subgraphs.auth.limit_table import LimitTable
from subgraphs.auth.mail.settings import MailSettings
from subgraphs.auth.second_factor.requirement import Requirement
from subgraphs.auth.second_factor.settings import parse_origins, relying_party
from subgraphs.auth.signing_keys import Algorithm  # noqa: TC001 - as above
from subgraphs.kit.hash_chain import ChainKey
from subgraphs.kit.store_factory import StoreAddress
from subgraphs.kit.store_identity import StorePlace

if TYPE_CHECKING:
    from pathlib import Path

    from subgraphs.auth.second_factor.passkeys import RelyingParty


Limits = Annotated[str, AfterValidator(limit_table.check_limits)]
LimitModes = Annotated[str, AfterValidator(limit_table.check_modes)]


class AuthSettings(MailSettings):
    """Settings of the auth service.

    Attributes:
        db_url: `sqlite:///path`; by default a file in the data directory.
        jwt_secret: encrypts private signing keys at rest; by default generated into the data directory.
        jwt_new_secret: the secret that replaces `jwt_secret`. Only `mosafe auth keys reseal` reads it.
        signing_algorithm: the algorithm of new signing keys.
        session_hours: the maximum lifetime of a session, in hours.
        session_idle_hours: a session ends if it is not refreshed for this time, in hours.
        refresh_grace: how long after its use a refresh token gives the same next token again, in seconds; 0 for never.
        login_failures_per_account: how many logins of one account may fail in 15 minutes. After that, further logins
            must wait.
        login_failures_per_address: how many logins from one address may fail in a minute.
        registrations_per_address: how many registrations may come from one address in an hour.
        rate_limits: further limits, such as `reset-account=5/3600`; see `subgraphs.auth.limit_table`.
        rate_limits_without_redis: what happens to the attempts of each limit while Redis is away.
        hashing_queue: how many password hashes may wait for a thread.
        audit_key: the key of the audit log's hash chain; None selects a file in the data directory.
        webauthn_origins: the pages that may ask for a passkey, separated by commas; by default those of the public URL.
        step_up_seconds: how long ago a user may have proved their identity, to change how they log in.
        second_factor_requirement: the users who must have a second factor.
        totp_tolerance: how many steps of 30 s before and after its time a code of an authenticator app is accepted.
    """

    port: Port = Field(3001, alias="AUTH_PORT")
    db_url: SecretStr | None = Field(None, alias="AUTH_DB_URL")
    jwt_secret: Secret | None = Field(None, alias="AUTH_JWT_SECRET")
    jwt_new_secret: Secret | None = Field(None, alias="AUTH_JWT_NEW_SECRET")
    signing_algorithm: Algorithm = Field("ES256", alias="AUTH_SIGNING_ALGORITHM")
    session_hours: float = Field(720, alias="AUTH_SESSION_HOURS", gt=0, le=24 * 366)
    session_idle_hours: float = Field(168, alias="AUTH_SESSION_IDLE_HOURS", gt=0, le=24 * 366)
    refresh_grace: float = Field(10, alias="AUTH_REFRESH_GRACE", ge=0, le=60)
    login_failures_per_account: int = Field(10, alias="AUTH_LOGIN_FAILURES_PER_ACCOUNT", ge=1, le=1000)
    login_failures_per_address: int = Field(30, alias="AUTH_LOGIN_FAILURES_PER_ADDRESS", ge=1, le=100_000)
    registrations_per_address: int = Field(10, alias="AUTH_REGISTRATIONS_PER_ADDRESS", ge=1, le=100_000)
    rate_limits: Limits = Field("", alias=limit_table.LIMITS)
    rate_limits_without_redis: LimitModes = Field("local", alias=limit_table.WITHOUT_REDIS)
    hashing_queue: int = Field(32, alias="AUTH_HASHING_QUEUE", ge=0, le=10_000)
    webauthn_origins: str = Field("", alias="AUTH_WEBAUTHN_ORIGINS")
    step_up_seconds: int = Field(600, alias="AUTH_STEP_UP_MAX_AGE", ge=30, le=86_400)
    second_factor_requirement: Requirement = Field(Requirement.NOBODY, alias="AUTH_SECOND_FACTOR_REQUIRED_FOR")
    totp_tolerance: int = Field(0, alias="AUTH_TOTP_TOLERANCE", ge=0, le=2)

    audit_key: Secret | None = Field(None, alias="AUTH_AUDIT_KEY")

    @model_validator(mode="before")
    @classmethod
    def _issuer_follows_the_port(cls, variables: dict[str, object]) -> dict[str, object]:
        """If AUTH_PORT is set, and AUTH_PUBLIC_URL is not, the default of AUTH_ISSUER contains this port.

        With port 0, the kernel chooses the port, so the default does not change.
        """
        port = variables.get("AUTH_PORT")
        if port and str(port) != "0" and "AUTH_PUBLIC_URL" not in variables:
            return {"AUTH_ISSUER": f"http://127.0.0.1:{port}", **variables}
        return variables

    @property
    def limits(self) -> LimitTable:
        """The rate limits of the service."""
        own = {
            "login-account": self.login_failures_per_account,
            "login-address": self.login_failures_per_address,
            "register-address": self.registrations_per_address,
        }
        return LimitTable.parse(self.rate_limits, self.rate_limits_without_redis, own)

    @property
    def session_rules(self) -> SessionRules:
        """How long sessions last."""
        return SessionRules(
            lifetime=timedelta(hours=self.session_hours),
            idle=timedelta(hours=self.session_idle_hours),
            grace=timedelta(seconds=self.refresh_grace),
        )

    @property
    def relying_party(self) -> RelyingParty | None:
        """The domain and the pages of passkeys; None if there can be no passkeys. Raises ConfigurationError."""
        try:
            return relying_party(self.links_url, parse_origins(self.webauthn_origins))
        except ValueError as error:
            raise ConfigurationError("AUTH_WEBAUTHN_ORIGINS", str(error)) from None

    @property
    def step_up_max_age(self) -> timedelta:
        """How long ago a user may have proved their identity, to change how they log in, and to end sessions."""
        return timedelta(seconds=self.step_up_seconds)

    @property
    def store(self) -> StoreAddress:
        """The address of the service's store."""
        return StoreAddress(self.db_url, "AUTH_DB_URL", self.data_dir / "auth.sqlite3")

    @property
    def place(self) -> StorePlace:
        """The name and the address of the store, and the data directory of the installation."""
        return StorePlace("auth", self.store, self.data_dir)

    @property
    def database(self) -> Path:
        """The file of the SQLite store. Raises ConfigurationError when the URL selects another store."""
        return self.store.sqlite_file

    def audit_chain_key(self) -> ChainKey:
        """Return the key of the audit log's hash chain.

        Raises:
            StartupError: the file with the key cannot be read or created.
        """
        if self.audit_key is not None:
            return ChainKey(self.audit_key.get_secret_value().encode())
        return ChainKey(read_or_create_secret(self.data_dir / "secrets" / "audit.key").encode())

    def key_encryption_secret(self) -> str:
        """Return `AUTH_JWT_SECRET`, or the generated secret.

        Raise StartupError if the generated secret cannot be read or created.
        """
        if self.jwt_secret is not None:
            return self.jwt_secret.get_secret_value()
        return read_or_create_secret(self.secret_file)

    @property
    def secret_file(self) -> Path:
        """The file of the generated secret, which is used if `AUTH_JWT_SECRET` is not set."""
        return self.data_dir / "secrets" / "jwt.key"
