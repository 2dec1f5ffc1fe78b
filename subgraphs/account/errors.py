"""The account service's own errors.

```
servicekit.errors.ServiceError
└── TransactionIdReused           409  TRANSACTION_ID_REUSED
```
"""

from __future__ import annotations

from servicekit.errors import ServiceError


class TransactionIdReused(ServiceError):
    """A posting has the transaction id of another posting. This is a bug of the caller, not a repetition."""

    code = "TRANSACTION_ID_REUSED"
    status = 409
    default_message = "This transactionId was used for another posting"
