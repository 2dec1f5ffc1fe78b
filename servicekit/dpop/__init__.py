"""Access tokens that are bound to a key of the client (DPoP, RFC 9449): what every server needs that accepts them.

- `proofs`: reads a proof, and checks it against the request and the token
- `nonces`: nonces of the server, without which a proof is not accepted
- `used_proofs` and `used_proofs_in_redis`: remember the proofs that were used, so that none is accepted twice
- `statements`: what a server in front of the router says about a proof that it has checked
"""
