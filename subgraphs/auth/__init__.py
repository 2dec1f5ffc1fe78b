"""The auth service: users, their sessions, and the access tokens that all other processes verify.

Reading order: `domain` (the rules), `signing_keys` and `key_ring`, `tokens`, `password_rules`, `password_hashing`,
`login_limits`, `store`, `mail`, `identity_service` (the use cases), `schema` (GraphQL), `app`, `cli`.
"""
