"""Print findings in the format SARIF 2.1.0 (OASIS standard). Code scanning services read SARIF.

The output has one run. The run has one rule for each code with a finding, and one result for each finding. The first
location of a finding becomes the location of the result, and the other locations become its related locations. Paths
are relative to the checkout (`%SRCROOT%`). If a schema comes from the network, no file contains it. The findings of
such a schema are reported at the file that lists the subgraphs.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from router.composition import explain

if TYPE_CHECKING:
    from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics
    from router.composition.report import Location

_LEVELS = {"ERROR": "error", "WARN": "warning", "INFO": "note", "DEBUG": "note"}


def render_sarif(diagnostics: Diagnostics) -> str:
    """Return one SARIF log."""
    levels: dict[str, str] = {}
    for finding in diagnostics.findings:
        levels.setdefault(finding.code, finding.level)
    rules = list(levels)
    driver = {
        "name": "router",
        "version": version("mosafe"),
        "rules": [_rule(code, level) for code, level in levels.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules.index(finding.code), diagnostics) for finding in diagnostics.findings],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(code: str, level: str) -> dict[str, object]:
    rule: dict[str, object] = {"id": code, "defaultConfiguration": {"level": _LEVELS[level]}}
    page = explain.find(code)
    if page is not None:
        rule |= {
            "shortDescription": {"text": page.summary},
            "fullDescription": {"text": page.summary},
            "help": {"text": page.advice, "markdown": page.text},
        }
    return rule


def _result(finding: Diagnostic, rule: int, diagnostics: Diagnostics) -> dict[str, object]:
    text = f"{finding.message}\n{finding.advice}" if finding.advice else finding.message
    places = [_location(location, diagnostics) for location in finding.locations[:1]]
    others = finding.locations[1:]
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.level],
        "message": {"text": text},
        "locations": places or [place for place in [_of_config(diagnostics)] if place],
    }
    if others:
        result["relatedLocations"] = [
            {"id": number, **_location(location, diagnostics)} for number, location in enumerate(others, start=1)
        ]
    return result


def _location(location: Location, diagnostics: Diagnostics) -> dict[str, object]:
    found: dict[str, object] = {"logicalLocations": [{"name": location.subgraph, "kind": "module"}]}
    place = diagnostics.place(location)
    if place is not None:
        return {"physicalLocation": physical_location(place.path, place.line, place.column), **found}
    return {**_of_config(diagnostics), **found, "message": {"text": str(location)}}


def _of_config(diagnostics: Diagnostics) -> dict[str, object]:
    """Return a location in the file that lists the subgraphs; empty if `diagnostics.config` is None.

    Code scanning rejects a result without a file. So a finding that has no location in an SDL file gets this location.
    """
    return {} if diagnostics.config is None else {"physicalLocation": physical_location(diagnostics.config, 1, 1)}


def physical_location(path: str, line: int, column: int) -> dict[str, object]:
    """Return a place in a file in SARIF's form. A relative path is relative to the checkout."""
    pure = PurePath(path)
    relative = {"uri": quote(pure.as_posix()), "uriBaseId": "%SRCROOT%"}
    artifact = {"uri": Path(path).as_uri()} if pure.is_absolute() else relative
    return {"artifactLocation": artifact, "region": {"startLine": line, "startColumn": column}}
