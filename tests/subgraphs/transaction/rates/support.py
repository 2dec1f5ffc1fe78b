"""A table of rates for tests."""

from __future__ import annotations

from typing import Final

# The rate of USD in EUR is out of date.
RATES: Final = """version: v1
rates:
  - {base: USD, quote: JPY, rate: "108.55", valid_from: 2020-01-01T00:00:00Z, valid_until: 2100-01-01T00:00:00Z}
  - {base: USD, quote: EUR, rate: "0.9", valid_from: 2020-01-01T00:00:00Z, valid_until: 2021-01-01T00:00:00Z}
"""
