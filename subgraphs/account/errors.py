"""The account service's own errors.

```
servicekit.errors.ServiceError
├── TransactionIdReused           409  TRANSACTION_ID_REUSED
└── HoldNotFound                  404  HOLD_NOT_FOUND
```
"""

from __future__ import annotations

from servicekit.errors import ServiceError


class TransactionIdReused(ServiceError):
    """A posting has the transaction id of another posting. This is a bug of the caller, not a retry."""

    code = "TRANSACTION_ID_REUSED"
    status = 409
    default_message = "This transactionId was used for another posting"


class HoldNotFound(ServiceError):
    """No hold has this transaction id: money was never reserved for it."""

    code = "HOLD_NOT_FOUND"
    status = 404
    default_message = "There is no hold with this transactionId"
