"""The store of transactions, idempotency keys and leases.

`protocol` defines the store. `sqlite` and `mongo` implement it. `factory` has the table of the implementations.
"""
