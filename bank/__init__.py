"""The code that the bank's services and the REST layer share. The router does not use this package.

In reading order:

- `values`: ids, money, currencies and times, as they are written on the wire.
- `identity`: roles, access tokens, and the caller whom a token identifies.
- `permissions`: the tables of who may do what with whose data.
- `revocation`: sessions that ended before their access tokens expired.
- `service_credential`: how one service authenticates to another.
- `bound_tokens`: access tokens that only the holder of a key may use.
- `staff_operations`: what staff do with the data of customers, as the audit log records it.
- `mutual_tls`: TLS between the processes.
- `topology`: which processes exist, where they listen, and who may call whom.
- `store_records`: records that show whether a store was lost or replaced.
- `variables`, `settings`: the environment variables of the platform, and the settings that every service has.
"""
