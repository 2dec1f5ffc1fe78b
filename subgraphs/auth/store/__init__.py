"""The store of users, sessions and signing keys.

`protocol` defines the store, and `sqlite` implements it. `factory` has the table of the implementations.
"""
