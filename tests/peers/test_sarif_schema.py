"""The SARIF of schema checks matches the schema that OASIS published, which an npm package of Microsoft ships."""

from __future__ import annotations

import json
from pathlib import Path

from jsonschema import Draft4Validator  # type: ignore[import-untyped]  # it ships no types

from tests.peers.peers import INSTALLED, require_peers

SCHEMA = INSTALLED / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
LOG = Path("tests/cases/schema_check_formats/expected/sarif")


def test_the_log_matches_the_published_schema() -> None:
    require_peers()
    validator = Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    log = json.loads(LOG.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(log)] == []
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not validator.is_valid(log), "the schema does not say anything"
