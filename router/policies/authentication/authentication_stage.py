"""`Authentication`: the pipeline stage that finds out which client sent a request. It is the first stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from router.pipeline.stage import Stage
from router.policies.authentication.api_key_exchange import ApiKeyExchange
from router.policies.authentication.api_keys import ApiKeyVerifier
from router.policies.authentication.dpop_proofs import DpopProofs
from router.policies.authentication.identity_forwarding import IdentityHeaders
from router.policies.authentication.jwt_verification import Issuer, JwtVerifier
from router.policies.authentication.refusals import (
    Challenges,
    CredentialRefused,
    CredentialUndecided,
    NonceMissing,
    ProofRefused,
    undecided_credential,
)
from router.policies.authentication.remote_key_set import RemoteKeys
from router.policies.authentication.revocation import FunctionCheck, RevokedIds
from router.policies.authentication.token_sources import TokenSources
from router.policies.load_operator_functions import PolicySetupError, load_function
from router.request.security_events import SecurityEvent, report
from router.transport.client_tls import ClientTls, client_tls_context
from router.transport.remote_text_file import Address, RemoteTextFile
from servicekit.key_set import FixedKeys, InvalidKeySet, KeySet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router.pipeline.request_context import RequestContext
    from router.plan import QueryPlan
    from router.policies.authentication.revocation import RevocationCheck
    from router.policies.authentication.token_sources import FoundToken
    from router.request.identity import Identity
    from router.request.request_and_response import GraphQLRequest
    from router.settings.sections.authentication import Authentication as AuthenticationSettings
    from router.settings.sections.authentication import Jwt, JwtIssuer


class Authentication(Stage):
    """Verifies the credential of each request, and sets `RequestContext.identity` or `identity_failure`.

    If the identity is already set, the stage keeps it and does not look for a credential.

    Raises:
        PolicySetupError: A file or a function of the settings cannot be used.
    """

    def __init__(self, settings: AuthenticationSettings, subgraphs: Sequence[str] = ()) -> None:
        self._settings = settings
        self._subgraphs = tuple(subgraphs)
        dpop = settings.jwt.dpop
        self._proofs = DpopProofs(dpop, settings.jwt.clock_skew) if dpop.mode != "off" else None
        self._challenges = Challenges(
            dpop.algorithms if self._proofs is not None else (), bearer=dpop.mode != "require"
        )
        self._sources = TokenSources(settings.jwt.sources, with_dpop=self._proofs is not None)
        self._tokens = JwtVerifier(settings.jwt, [_issuer(each) for each in settings.jwt.issuers])
        self._revocations = _revocation_checks(settings.jwt)
        self._api_keys = ApiKeyVerifier.of(settings.api_keys)
        exchange = settings.api_keys.exchange
        self._exchange = ApiKeyExchange(exchange) if exchange is not None else None
        self._headers = IdentityHeaders(settings.forward)

    async def on_request(self, context: RequestContext) -> GraphQLRequest | None:
        """Verify the credential of the request, and set `context.identity`.

        Raises:
            Refused: The credential is not valid, cannot be checked, or is missing although it is required.
        """
        headers = context.request.headers
        if context.identity is None:
            context.identity = await self._identity(context)
        if context.identity is None and not self._settings.anonymous:
            report(SecurityEvent.CREDENTIAL_MISSING)
            raise self._challenges.missing_credential()
        if not self._headers.names or self._headers.names.isdisjoint(headers):
            return None
        # Subgraphs trust the identity headers, because only the router may set them. So identity headers of the
        # client's request are removed before a header rule can propagate them.
        kept = {name: value for name, value in headers.items() if name not in self._headers.names}
        return structs.replace(context.request, headers=kept)

    async def on_plan(self, context: RequestContext, plan: QueryPlan) -> None:
        """Add the identity headers (`authentication.forward`) to all fetches."""
        del plan
        if context.identity is None or not self._headers.names:
            return
        own, given = self._headers.of(context.identity), context.fetch_headers
        context.fetch_headers = {name: {**given.get(name, {}), **own} for name in self._subgraphs}

    def inherit(self, previous: Stage) -> None:
        """Take over the issuers' keys, the verified tokens and the used proofs of `previous`.

        So the first requests after a reload are not slower, and a proof cannot be used again.
        """
        if isinstance(previous, Authentication):
            self._tokens.inherit(previous._tokens)  # noqa: SLF001  (same class)
            if self._proofs is not None and previous._proofs is not None:  # noqa: SLF001  (same class)
                self._proofs.inherit(previous._proofs)  # noqa: SLF001  (same class)

    async def aclose(self) -> None:
        """Close the connections to issuers and Redis, and the database with the revoked ids."""
        for issuer in self._tokens.issuers.values():
            await issuer.keys.aclose()
        for check in self._revocations:
            check.close()
        if self._proofs is not None:
            await self._proofs.aclose()
        if self._exchange is not None:
            await self._exchange.aclose()

    async def _identity(self, context: RequestContext) -> Identity | None:
        request, method = context.received, "jwt"
        try:
            token = self._sources.find(request.headers) if self._tokens.issuers else None
            exchange, key = self._exchange, self._key(request.headers, token)
            if token is not None and key is None:
                return await self._identity_of_token(token, request)
            method = "api_key"
            if exchange is not None and key is not None:
                return await self._identity_of_key(exchange, key)
            return await self._api_keys.identity(request.headers) if self._api_keys is not None else None
        except CredentialRefused as refusal:
            report(SecurityEvent.CREDENTIAL_REFUSED, method=method, reason=refusal.reason)
            if self._settings.invalid_credentials == "refuse" or isinstance(refusal, ProofRefused):
                raise self._challenges.invalid_credential() from None
        except NonceMissing as missing:
            raise self._challenges.missing_nonce(missing.nonce) from None
        except CredentialUndecided:
            context.identity_failure = undecided_credential()
            if self._settings.invalid_credentials == "refuse":
                raise context.identity_failure from None
        return None

    def _key(self, headers: Mapping[str, str], token: FoundToken | None) -> str | None:
        """Return the API key of the request that must be exchanged, or None."""
        return self._exchange.key_of(headers, self._settings.api_keys.header, token) if self._exchange else None

    async def _identity_of_token(self, token: FoundToken, request: GraphQLRequest) -> Identity:
        identity = await self._verified(token)
        proof_key = await self._proofs.check(identity, token, request) if self._proofs is not None else None
        return identity if proof_key is None else replace(identity, proof_key=proof_key)

    async def _verified(self, token: FoundToken) -> Identity:
        identity = self._tokens.known(token) or await self._tokens.verify(token)
        if self._revocations:
            await self._check_revocations(identity)
        return identity

    async def _identity_of_key(self, exchange: ApiKeyExchange, key: str) -> Identity:
        token = await exchange.token(key)
        try:
            identity = await self._verified(token)
        except CredentialRefused:
            # The session of an older token has ended, for example because a role of the owner was revoked. The key may
            # still be valid.
            identity = await self._verified(await exchange.token(key, refused=token))
        return replace(identity, method="api_key")

    async def _check_revocations(self, identity: Identity) -> None:
        for check in self._revocations:
            if await check.is_revoked(identity.claims):
                raise CredentialRefused("revoked")


def _issuer(settings: JwtIssuer) -> Issuer:
    source, key = settings.keys, f"authentication.jwt.issuers: {settings.issuer}"
    if source.file is not None:
        try:
            return Issuer(settings, FixedKeys(KeySet.read(source.file.read_text("utf-8"), settings.algorithms)))
        except (OSError, UnicodeDecodeError, InvalidKeySet) as error:
            raise PolicySetupError(f"{key}: {source.file} is not a JWK set: {error}") from error
    assert source.url is not None  # noqa: S101 - a source has a file or a URL
    try:
        tls = client_tls_context(key, ClientTls.of(source))
    except ValueError as error:
        raise PolicySetupError(str(error)) from error
    file = RemoteTextFile(Address(url=source.url, headers={}, timeout=source.timeout, tls=tls))
    return Issuer(settings, RemoteKeys(settings.issuer, file, source, settings.algorithms))


def _revocation_checks(settings: Jwt) -> tuple[RevocationCheck, ...]:
    checks: list[RevocationCheck] = []
    if settings.revocation is not None:
        checks.append(RevokedIds(settings.revocation))
    if settings.revocation_check is not None:
        checks.append(FunctionCheck(load_function(settings.revocation_check, "authentication.jwt.revocation_check")))
    return tuple(checks)
