"""Records operations of staff in the audit log of the auth service (bank §2.22).

`client` sends the entries, `recorder` brings them together with the operation.
"""
