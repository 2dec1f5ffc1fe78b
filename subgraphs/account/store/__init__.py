"""The store of accounts and the ledger.

`protocol` defines the store. `sqlite` and `mongo` implement it. `factory` has the table of the implementations.
"""
