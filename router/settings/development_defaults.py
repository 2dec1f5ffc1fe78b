"""Defaults of keys in development, that is, if `MOSAFE_ENV` is `development` or `router serve` has `--dev`.

A value in the configuration file takes precedence over these defaults. docs/environment.md lists the effects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVELOPMENT_DEFAULTS: Final[Mapping[tuple[str, ...], object]] = {
    ("introspection",): True,
    ("ide", "enabled"): True,
    ("query_plan", "in_responses"): True,
    ("errors", "mask"): False,
    ("cors", "loopback"): True,
}
