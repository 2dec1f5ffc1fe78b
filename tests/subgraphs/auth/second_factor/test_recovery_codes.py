from __future__ import annotations

import re

from subgraphs.auth.second_factor.recovery_codes import COUNT, digest, new_codes


def test_codes_have_120_random_bits_in_six_groups() -> None:
    codes = new_codes()
    assert len(set(codes)) == COUNT
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)


def test_spelling_does_not_matter_but_the_user_does() -> None:
    assert digest("ann", "01AB-01CD-EFGH-JKMN") == digest("ann", " oiab olcd efgh jkmn")
    assert digest("ann", "01AB-01CD-EFGH-JKMN") != digest("bob", "01AB-01CD-EFGH-JKMN")
