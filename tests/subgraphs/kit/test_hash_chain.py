"""The kit's part of hash chains; `tests/subgraphs/account/store/test_hash_chain.py` has the attacks on a chain."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from servicekit.errors import StartupError
from subgraphs.kit.hash_chain import ChainKey, Link, check_key, first_broken

KEY = ChainKey(b"k" * 32)


@dataclass(frozen=True)
class Text:
    text: str

    def hashed(self) -> list[object]:
        return [self.text]


@dataclass(frozen=True)
class StoredText:
    link: Link
    entry: Text


def test_a_chain_of_any_content_is_verified() -> None:
    first = StoredText(KEY.next(Link(), Text("a")), Text("a"))
    second = StoredText(KEY.next(first.link, Text("b")), Text("b"))
    assert first_broken(KEY, [first, second], Link()) == (None, second.link)
    forged = StoredText(second.link, Text("c"))
    assert first_broken(KEY, [first, forged], Link()) == (forged, first.link)


def test_derived_keys_differ_by_purpose_and_key() -> None:
    derived = {KEY.derive("a"), KEY.derive("b"), ChainKey(b"l" * 32).derive("a")}
    assert len(derived) == 3
    assert all(len(key) == 32 for key in derived)


def test_only_the_recorded_key_is_accepted() -> None:
    check_key([], KEY, "place", "VARIABLE", "secrets/file")
    check_key([KEY.id], KEY, "place", "VARIABLE", "secrets/file")
    with pytest.raises(StartupError, match=r"VARIABLE: the entries of place .*secrets/file"):
        check_key(["other"], KEY, "place", "VARIABLE", "secrets/file")
