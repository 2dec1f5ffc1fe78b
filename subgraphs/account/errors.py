"""The account service's own faults.

::

    servicekit.errors.ServiceError
    └── TransactionIdReused           409  TRANSACTION_ID_REUSED
"""

from __future__ import annotations

from servicekit.errors import ServiceError


class TransactionIdReused(ServiceError):
    """A posting came with the transaction id of another one: the caller's bug, never a retry."""

    code = "TRANSACTION_ID_REUSED"
    status = 409
    default_message = "This transactionId was used for another posting"
