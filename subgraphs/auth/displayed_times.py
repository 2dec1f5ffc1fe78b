"""Times as pages and mails show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def day_text(time: datetime) -> str:
    return f"{time:%d %B %Y}"


def moment_text(time: datetime) -> str:
    return f"{day_text(time)}, {time:%H:%M} UTC"
