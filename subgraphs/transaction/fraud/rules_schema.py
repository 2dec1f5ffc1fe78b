"""Generates `rules.schema.json`. With this JSON Schema, editors can complete and check a rules file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from subgraphs.transaction.fraud.rules.rule_set import RuleSet

SCHEMA_FILE: Final = Path(__file__).parent / "rules.schema.json"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (version 2020-12) of a rules file."""
    schema = RuleSet.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "MoSafe fraud rules"}


def schema_text() -> str:
    """Return the text of `rules.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"
