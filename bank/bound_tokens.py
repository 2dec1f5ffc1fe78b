"""Access tokens that are bound to a key of the client, at the bank's services (RFC 9449 §7, bank §2.8).

A service cannot check the client's proof, because the proof names the URL of the router. The router checks it, and says
in a header which key was proved. The signature of the request covers this header, so only the router can send it. A
service that does not require signatures accepts no bound tokens.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from bank.api_keys import authorization_of
from bank.identity import bearer_token
from servicekit.dpop.proofs import SCHEME
from servicekit.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bank.identity import Caller, TokenVerifier

# The header of the router with the thumbprint of the proved key (`authentication.forward.proof_key` of router.yaml).
PROOF_KEY_HEADER: Final = "x-dpop-key"


async def caller_of(verifier: TokenVerifier, headers: Mapping[str, str], *, is_signed: bool) -> Caller | None:
    """Return the caller whom the headers of a request identify. Return None if there is no credential.

    Args:
        verifier: verifies the token.
        headers: the headers of the request; names in lower case.
        is_signed: whether the signature of the router on the request was verified.

    Raises:
        Unauthenticated: the token is not valid; or it is bound to a key, and the router has not said that the client
            has proved this key.
        RateLimited, Unavailable, TimedOut: as `TokenVerifier.verify`.
    """
    authorization = authorization_of(headers)
    if authorization is None or authorization.partition(" ")[0].lower() != SCHEME:
        return await verifier.caller(authorization)
    caller = await verifier.holder(bearer_token(f"Bearer {authorization.partition(' ')[2]}"))
    proved = headers.get(PROOF_KEY_HEADER, "") if is_signed else ""
    bound_to = caller.key_thumbprint
    if bound_to is None or not hmac.compare_digest(proved.encode(), bound_to.encode("utf-8", "surrogatepass")):
        raise Unauthenticated
    return caller
