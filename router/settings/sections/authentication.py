"""`authentication`: how clients prove who they are: access tokens (JWT) and API keys."""

# ruff: noqa: TC001, TC003  (pydantic evaluates the annotations of its models at run time)

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from router.settings.section import Section
from router.settings.sections.dpop import Dpop
from router.settings.types import CallablePath, Count, Duration, FilePath, HeaderName, HttpUrl, Identity, SettableHeader

Algorithm = Literal[
    "ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256", "HS384", "HS512"
]
"""The name of a signature algorithm (RFC 7518 §3.1, RFC 8037). `none` is not one of them."""

CookieName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
Text = Annotated[str, Field(min_length=1)]

_SHARED_SECRET = frozenset({"HS256", "HS384", "HS512"})
_MIN_SECRET_BYTES = 32


class KeySetSource(Section):
    """Where the public keys of an issuer come from: a JWK set (RFC 7517 §5) in a file or at a URL."""

    url: HttpUrl | None = None
    """URL of the JWK set. Redirects are not followed."""
    file: FilePath | None = None
    """A file with the JWK set. It is read at the start and at each reload."""
    refresh_interval: Duration = 300.0
    """The age of the JWK set at which the router fetches it again. Until the response arrives, the old keys are
    used."""
    longest_stale: Duration = 86_400.0
    """The maximum age of the JWK set. If the router cannot fetch the set again in this time, it uses no old keys."""
    unknown_key_interval: Duration = 5.0
    """If a token has an unknown key id, the router fetches the JWK set again. Between two such fetches, there is at
    least this time."""
    timeout: Duration = 3.0
    """Time limit of a fetch."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for the URL, instead of the system's authorities."""
    client_certificate: FilePath | None = None
    """A PEM file with the certificate that the router presents to the server of the URL, and its chain."""
    client_key: FilePath | None = None
    """A PEM file with the private key of `client_certificate`, if it is not in the same file."""
    server_identity: Identity | None = None
    """The URI that the certificate of the server must have. It is checked only if there is a `client_certificate`."""

    @model_validator(mode="after")
    def _has_one_source(self) -> KeySetSource:
        if (self.url is None) == (self.file is None):
            raise ValueError("give either `url` or `file`")
        return self


class JwtIssuer(Section):
    """One issuer of access tokens, and the requirements that its tokens must meet."""

    issuer: Text
    """The claim `iss` of the tokens of this issuer."""
    audiences: tuple[Text, ...] | None
    """The claim `aud` must have one of these values. With null, the claim is not checked: then a token that was issued
    for another service is accepted here."""
    keys: KeySetSource
    """The public keys of this issuer."""
    algorithms: tuple[Algorithm, ...] = ("ES256", "EdDSA", "RS256", "PS256")
    """The signature algorithms that tokens may have. HS256, HS384 and HS512 use a shared secret, which must be in
    `keys.file`."""
    types: tuple[Text, ...] = ("at+jwt", "JWT")
    """The header `typ` of a token must have one of these values. Case and the prefix `application/` are ignored. A
    token without `typ` is treated like a token with the value `JWT`."""
    required_claims: tuple[Text, ...] = ()
    """Claims that a token must have, besides `iss`, `exp`, and `aud` if `audiences` is set."""

    @model_validator(mode="after")
    def _has_usable_rules(self) -> JwtIssuer:
        if not self.algorithms or not self.types or self.audiences == ():
            raise ValueError("an empty list of `algorithms`, `types` or `audiences` would refuse every token")
        if _SHARED_SECRET & set(self.algorithms) and self.keys.file is None:
            raise ValueError("the algorithms HS256, HS384 and HS512 need `keys.file`: their key is secret")
        return self


class TokenSource(Section):
    """A place of a request in which a client may send its access token: either `header` or `cookie`."""

    header: HeaderName | None = None
    """The name of a header."""
    scheme: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~+-]*$")] = "Bearer"
    """The word before the token in the header. If the header begins with another word, this source has no token. With
    an empty text, the whole header is the token."""
    cookie: CookieName | None = None
    """The name of a cookie. Browsers send cookies with requests of other sites, so keep `csrf.enabled`."""

    @model_validator(mode="after")
    def _has_one_place(self) -> TokenSource:
        if (self.header is None) == (self.cookie is None):
            raise ValueError("give either `header` or `cookie`")
        return self


class RevocationTable(Section):
    """A table of an SQLite file with the ids of revoked tokens, for example of sessions that have ended.

    The router keeps the ids in memory. For each request, it checks the change counter of the file. It reads the ids
    again only after a change.
    """

    sqlite: Text
    """Path of the SQLite file. While the file does not exist, no token is revoked."""
    table: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """The name of the table."""
    column: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """The name of the column with the ids."""
    claim: Text
    """The name of the claim that contains the id of a token. A token without this claim is refused."""


class Jwt(Section):
    """Access tokens in the format JSON Web Token (RFC 7519, RFC 9068). Without issuers, the router reads no tokens."""

    issuers: tuple[JwtIssuer, ...] = ()
    """The issuers whose tokens are accepted. The claim `iss` of a token chooses the issuer."""
    sources: tuple[TokenSource, ...] = ()
    """Where the router looks for a token. The first source that has a token decides; the others are not tried. Without
    sources, the router reads the header `Authorization` with the word `Bearer`."""
    clock_skew: Duration = 5.0
    """Tolerance for differences between the clocks of issuer and router."""
    scope_claim: Text = "scope"
    """The claim with the granted scopes: a string with spaces between the scopes, or a list."""
    cached_tokens: Count = 10_000
    """Maximum number of verified tokens in memory, stored as digests. A token is removed when it expires, or when its
    issuer publishes other keys."""
    revocation: RevocationTable | None = None
    """A table with the ids of revoked tokens. They are refused even if they have not expired."""
    revocation_check: CallablePath | None = None
    """A Python function, `package.module:function`. The router calls it with the claims of the token for each request.
    The function returns whether the token is revoked. It may be a coroutine function."""
    dpop: Dpop = Dpop.model_construct()
    """Tokens that are bound to a key of the client (DPoP)."""

    @model_validator(mode="after")
    def _has_distinct_issuers(self) -> Jwt:
        names = [each.issuer for each in self.issuers]
        if len(set(names)) != len(names):
            raise ValueError("two entries of `issuers` have the same `issuer`")
        return self


class ApiKeyExchange(Section):
    """An endpoint of a token issuer that exchanges API keys for access tokens.

    The router sends `POST` with `Authorization: Bearer <key>`. The response is the response of an OAuth token endpoint
    (RFC 6749 §5.1): 200 with `access_token` and `expires_in`; 400, 401 or 403 for a key that is not valid. The token
    must be valid by `jwt.issuers`, and its claims describe the client.
    """

    url: HttpUrl
    """URL of the endpoint. Redirects are not followed."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_~.+/-]{1,32}$")]
    """How the keys begin, for example `msk_`. A key with this prefix is exchanged and not looked up in `file` or by
    `lookup`. It may also be sent as `Authorization: Bearer <key>`."""
    cache: Duration = 10.0
    """How long the result of an exchange is used. During this time, the router may accept a revoked key, unless it
    checks whether the token of the key was revoked."""
    cached_keys: Count = 10_000
    """Maximum number of results in memory, stored by the digests of the keys."""
    timeout: Duration = 3.0
    """Time limit of an exchange. If the endpoint does not respond, the credential cannot be checked (503)."""
    certificate_authority: FilePath | None = None
    """A PEM file with the certificate authorities to trust for the URL, instead of the system's authorities."""
    client_certificate: FilePath | None = None
    """A PEM file with the certificate that the router presents to the server of the URL, and its chain."""
    client_key: FilePath | None = None
    """A PEM file with the private key of `client_certificate`, if it is not in the same file."""
    server_identity: Identity | None = None
    """The URI that the certificate of the server must have. It is checked only if there is a `client_certificate`."""


class ApiKeys(Section):
    """API keys: long random texts that identify a program. The router stores only their SHA-256 digests."""

    header: HeaderName = "x-api-key"
    """The header in which clients send their key."""
    file: FilePath | None = None
    """A file with a JSON object. Each name is the hexadecimal SHA-256 digest of a key, and each value has the claims of
    the key, for example `{"9f86…": {"sub": "reports", "scope": "read:orders"}}`. A key whose claim `exp` is in the past
    is refused."""
    lookup: CallablePath | None = None
    """A Python function, `package.module:function`, for keys that are not in `file`. The function gets the hexadecimal
    SHA-256 digest of a key and returns the claims, or None for an unknown key. It may be a coroutine function."""
    exchange: ApiKeyExchange | None = None
    """An endpoint that exchanges keys for access tokens; needs `jwt.issuers`."""


class IdentityToken(Section):
    """A short-lived token (JWT) about the client. The router signs it, so subgraphs need not trust plain headers."""

    header: SettableHeader = "x-router-identity"
    """The header that carries the token."""
    secret: SecretStr
    """The shared secret of router and subgraphs, at least 32 bytes; never printed. The algorithm is HS256."""
    issuer: Text = "router"
    """The claim `iss` of the token."""
    audience: Text = "subgraphs"
    """The claim `aud` of the token."""
    lifetime: Duration = 60.0
    """Time until the token expires. The router uses a token again for at most half of this time."""
    claims: tuple[Text, ...] = ("sub", "scope")
    """The claims to copy from the credential of the client. The router sets `iss`, `aud`, `iat` and `exp` itself."""

    @field_validator("secret")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < _MIN_SECRET_BYTES:
            raise ValueError(f"a secret has at least {_MIN_SECRET_BYTES} bytes")
        return value


class IdentityForwarding(Section):
    """Which information about an authenticated client is sent to subgraphs.

    If a client itself sends one of the headers named here, the router does not forward that header.
    """

    headers: Mapping[SettableHeader, Text] = {}
    """Maps the names of headers to claims, for example `{x-user-id: sub}`. Each header carries the value of its claim.
    A list of texts is joined with spaces. Any other value that is not text is sent as JSON. A header whose claim is
    missing is not sent."""
    token: IdentityToken | None = None
    """A token that the router signs."""
    proof_key: SettableHeader | None = None
    """The name of a header with the thumbprint of the key to which the access token is bound. The router sends it only
    if the request had a valid proof (`jwt.dpop`). With request signatures, a subgraph can rely on it."""

    @property
    def header_names(self) -> frozenset[str]:
        """The names of all headers that the router sets, in lower case."""
        names = {*self.headers, self.token.header if self.token is not None else None, self.proof_key}
        return frozenset(name for name in names if name is not None)


class Authentication(Section):
    """How clients prove who they are: access tokens (JWT) and API keys."""

    anonymous: bool = True
    """Whether requests without a credential are served."""
    invalid_credentials: Literal["refuse", "ignore"] = "refuse"
    """What happens to a request with an invalid credential. `refuse`: the response is 401 with UNAUTHENTICATED.
    `ignore`: the request counts as a request without a credential. If the credential is forwarded, subgraphs can still
    check it. A token that is bound to a key, without a valid proof, is refused in both cases: subgraphs cannot check
    proofs."""
    jwt: Jwt = Jwt.model_construct()
    """Access tokens."""
    api_keys: ApiKeys = ApiKeys.model_construct()
    """API keys. If a request has a token and an API key, only the token counts."""
    forward: IdentityForwarding = IdentityForwarding.model_construct()
    """Which information about the client is sent to subgraphs."""

    @property
    def is_configured(self) -> bool:
        """Whether the router reads any credential."""
        return bool(self.jwt.issuers) or self.api_keys.file is not None or self.api_keys.lookup is not None

    @model_validator(mode="after")
    def _accepts_a_credential(self) -> Authentication:
        if not self.anonymous and not self.is_configured:
            raise ValueError("`anonymous: false` needs `jwt.issuers` or `api_keys`; otherwise every request is refused")
        if self.api_keys.exchange is not None and not self.jwt.issuers:
            raise ValueError("`api_keys.exchange` needs `jwt.issuers`, which verify the tokens")
        if self.forward.proof_key is not None and self.jwt.dpop.mode == "off":
            raise ValueError("`forward.proof_key` needs `jwt.dpop`, which checks the proofs")
        if (self.forward.headers or self.forward.token) and not self.is_configured:
            raise ValueError("`forward` needs `jwt.issuers` or `api_keys`")
        return self
