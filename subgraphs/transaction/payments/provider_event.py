"""The events that a provider sends by webhook: a payment has another state.

```
{"id": "evt_1", "type": "payment.charged_back", "createdAt": "…", "orderId": "665f…", "paymentId": "pay_1"}
```

An event says only that there is news. What the state is, the provider is asked. So it does not matter in which order
events arrive. This module is pure: it has no I/O and reads no clock.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bank.values import is_object_id, parse_timestamp

if TYPE_CHECKING:
    from datetime import datetime

CHARGED_BACK: Final = "payment.charged_back"
# How long events are kept. A provider repeats an event for three days, and a repetition must be recognized.
EVENT_LIFETIME: Final = timedelta(days=7)
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """An event.

    Attributes:
        id: the provider's id of the event. A repeated event has the same id.
        type: `payment.` and the state in lower case.
        received_at: the time when the service got the event first.
    """

    id: str
    type: str
    order_id: str
    payment_id: str
    received_at: datetime


def parse_event(body: bytes, received_at: datetime) -> ProviderEvent:
    """Read the body of a webhook.

    Raises:
        ValueError: the body is not an event. The message is safe for the sender.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    if not isinstance(document, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004 - one exception for every wrong body
    for name in ("id", "type", "paymentId"):
        if not isinstance(document.get(name), str) or not _NAME.fullmatch(document[name]):
            raise ValueError(f"{name} must have 1 to 100 letters, digits or characters of _.:-")
    order_id, created_at = document.get("orderId"), document.get("createdAt")
    if not isinstance(order_id, str) or not is_object_id(order_id):
        raise ValueError("orderId must have 24 hexadecimal digits")
    if not isinstance(created_at, str):
        raise ValueError("createdAt must be a time")  # noqa: TRY004 - as above
    parse_timestamp(created_at)
    return ProviderEvent(document["id"], document["type"], order_id, document["paymentId"], received_at)
