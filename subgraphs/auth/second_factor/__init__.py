"""Second factors: authenticator apps (TOTP), passkeys (WebAuthn) and recovery codes, and the step-up (bank §2.25).

`totp`, `recovery_codes`, `challenges` and `passkeys` are rules without I/O. `store` says what is stored, and
`sqlite_store` and `postgres_store` store it. `factor_verification` judges proofs, and `enrolment` adds and removes
factors.
"""
