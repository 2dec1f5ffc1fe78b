"""Finds out which client sent a request, by an access token (JWT) or an API key (execution §16.1).

    headers ─> token_sources ─> jwt_verification ─> Identity ─> identity_forwarding ─> headers of fetches
                                 key_set, verified_tokens, revocation
               api_keys ──────────────────────────^

Read `make_authentication_stage`, `authentication_stage` (the stage of the pipeline), `refusals`, `token_sources`,
`jwt_verification`, `key_set`, `remote_key_set`, `verified_token_cache`, `revocation`, `dpop_proofs`, `api_keys`, then
`identity_forwarding`.
"""
