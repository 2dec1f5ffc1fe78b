"""Covers `router/federation/spec_versions.py` and `router/federation/version_numbers.py`."""

from __future__ import annotations

from itertools import pairwise

import pytest

from router.federation.spec_versions import FEDERATION_1, LATEST_FEDERATION, spec_version, spec_versions
from router.federation.version_numbers import Version


@pytest.mark.parametrize("text", ["2.3", "v2", "v2.03", "v2.3.1", "v-1.0", "v2.x"])
def test_a_version_has_one_form(text: str) -> None:
    assert Version.parse(text) is None


def test_versions_are_in_numerical_order() -> None:
    assert Version(2, 9) < Version(2, 10) < Version(3, 0)
    assert str(Version.parse("v2.11")) == "v2.11"


def test_a_version_has_everything_of_the_earlier_ones() -> None:
    versions = spec_versions("federation")
    assert [spec.version for spec in versions] == sorted(spec.version for spec in versions)
    for earlier, later in pairwise(versions):
        assert earlier.directives.keys() <= later.directives.keys()
        assert earlier.types.keys() <= later.types.keys()
    assert versions[-1].version == LATEST_FEDERATION


def test_a_later_row_replaces_a_definition() -> None:
    before, after = (spec_version("federation", Version(2, minor)) for minor in (1, 2))
    assert before is not None
    assert after is not None
    assert not before.directives["shareable"].repeatable
    assert after.directives["shareable"].repeatable
    assert after.url == "https://specs.apollo.dev/federation/v2.2"


def test_unknown_names_and_versions_have_no_specification() -> None:
    assert spec_versions("unknown") == ()
    assert spec_version("federation", Version(1, 9)) is None


def test_federation_1_has_no_prefixes() -> None:
    assert FEDERATION_1.directives.keys() == {"key", "requires", "provides", "external", "extends", "tag"}
    assert FEDERATION_1.types.keys() == {"_FieldSet"}
