"""Secrets of documentation and of tests are recognised as such; generated ones never are.

Fails on the code of before: a process with an example secret started, whatever it was run for.
"""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from servicekit.secret_strength import weakness

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "tests/[!pi]*", "bank", "servicekit", "subgraphs", "router", "rest_compat", "mosafe", "benchmarks")
KINDS = ("md", "py", "yaml", "yml")
# An assignment of a value to something that is named as a secret of this platform, in any of our file formats.
_GIVEN = re.compile(r"""(?:JWT_SECRET|SERVICE_SECRET|ADMIN_TOKEN)["'`]?\s*[:=,]\s*["'`]?([^\s"'`{<,)]{16,})""")


@pytest.mark.parametrize(
    "secret",
    [
        "s" * 32,
        "change-me-change-me-change-me-1234",
        "your-256-bit-secret-goes-right-here",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz123456",
        "REPLACE_THIS_WITH_SOMETHING_LONG!",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
        "12121212121212121212121212121212x",
        "mosafe-dev-key-mosafe-dev-key-mosafe",
        "operators-token-of-sixteen",
        "00000000-0000-0000-0000-000000000001",
    ],
)
def test_what_anybody_can_guess_is_weak(secret: str) -> None:
    reason = weakness(secret)
    assert reason is not None
    assert secret not in reason


@pytest.mark.parametrize("alphabet", ["0123456789abcdef", string.ascii_letters + string.digits + "-_"])
@pytest.mark.parametrize("length", [32, 43, 64])
def test_a_generated_secret_is_strong(alphabet: str, length: int) -> None:
    generator = random.Random(12)
    weak = [1 for _ in range(2_000) if weakness("".join(generator.choices(alphabet, k=length))) is not None]
    assert not weak


def test_every_secret_in_our_own_files_is_weak() -> None:
    found = {
        value: path
        for pattern in ("*.*", ".env.example", *(f"{folder}/**/*.{kind}" for folder in FOLDERS for kind in KINDS))
        for path in ROOT.glob(pattern)
        for value in (_GIVEN.findall(path.read_text(encoding="utf-8")) if path.is_file() else ())
        if not re.fullmatch(r"[\w.]+\(.*|[A-Za-z_.]+", value)  # an expression
    }
    assert {path for value, path in found.items() if weakness(value) is None} == set()
