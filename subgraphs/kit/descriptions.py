"""The descriptions of types that several subgraphs define.

All subgraphs use the same text. If their texts differed, composition would report it.
"""

from __future__ import annotations

from typing import Final

QUERY: Final = "The queries of the bank."
MUTATION: Final = "The mutations of the bank."
SUBSCRIPTION: Final = "The subscriptions of the bank."
USER: Final = "A user of the bank. Other customers see only `id` and `name`; other fields are forbidden to them."
TRANSACTION: Final = (
    "An order to move money, and its outcome. The person who ordered it and staff see it; the receiver sees it once the"
    " money has moved."
)
ACCOUNT: Final = "An account. Only its owner and staff see it; for others it does not exist."
