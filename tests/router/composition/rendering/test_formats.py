"""The output of each format for the same findings.

Covers `router/composition/rendering/__init__.py`, `router/composition/rendering/collect_diagnostics.py`,
`router/composition/rendering/github.py`, `router/composition/rendering/json.py`,
`router/composition/rendering/junit.py`, `router/composition/rendering/sarif.py` and
`router/composition/rendering/text.py`.
"""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET

import click
import pytest

from router.composition import Location
from router.composition.file_locations import SourceFile
from router.composition.rendering import FORMATS
from router.composition.rendering.collect_diagnostics import Diagnostic, Diagnostics

USERS = "type Query {\n\tme: User\n}\n"
FOUND = Diagnostics(
    findings=(
        Diagnostic(
            "ERROR",
            "FIELD_TYPE_MISMATCH",
            "Types differ:\nInt, 100%.",
            (Location("users", 2, 2), Location("b&b", 1, 1)),
        ),
        Diagnostic("ERROR", "NO_QUERIES", "No query.", ()),
        Diagnostic("WARN", "INCONSISTENT_DESCRIPTION", "They differ.", (Location("far", 1, 1),)),
    ),
    sources={"users": USERS, "b&b": "x\x1b[2J", "far": "y", "fine": "z"},
    files={"users": SourceFile("my schemas/users,1.graphql"), "b&b": SourceFile("supergraph.yaml", line=7, indent=4)},
)
NOTHING = Diagnostics(findings=(), sources={"users": USERS}, supergraph_sdl="schema { query: Query }")


def text(found: Diagnostics) -> str:
    """The format for people, without colours."""
    return click.unstyle(FORMATS["text"](found))


def test_text_is_coloured_by_level() -> None:
    assert "\x1b[31m\x1b[1merror[" in FORMATS["text"](FOUND)


def test_text_shows_every_place_and_keeps_escape_sequences_from_the_terminal() -> None:
    assert text(FOUND).splitlines()[:9] == [
        "users:2:2: error[FIELD_TYPE_MISMATCH]: Types differ:",
        "  Int, 100%.",
        "  --> my schemas/users,1.graphql:2:2",
        "  2 | \tme: User",
        "    | \t^",
        "  also supergraph.yaml:7:5",
        "  7 | x\N{REPLACEMENT CHARACTER}[2J",
        "    | ^",
        "  help: Declare the same type in all subgraphs. (router explain FIELD_TYPE_MISMATCH)",
    ]


def test_text_shows_the_part_of_a_long_line_that_matters() -> None:
    long = "a" * 1000 + "X" + "b" * 1000
    found = Diagnostics((Diagnostic("WARN", "UNUSED_ENUM_TYPE", "m", (Location("s", 1, 1001),)),), {"s": long})
    _, line, caret = text(found).splitlines()
    assert len(line) < 200
    assert line[caret.index("^")] == "X"


@pytest.mark.parametrize(
    ("before", "columns"),
    [
        ("\t", "\t"),
        ("日本", " " * 4),
        ("e\N{COMBINING ACUTE ACCENT}", " "),
        ("\N{ZERO WIDTH NO-BREAK SPACE}", ""),
        ("\N{RIGHT-TO-LEFT OVERRIDE}", " "),
        ("\ud800", " "),
    ],
    ids=["tab", "ideographs", "accent", "byte order mark", "direction", "half a pair"],
)
def test_the_caret_is_below_its_character_after_wide_ones(before: str, columns: str) -> None:
    location = Location("s", 1, len(before) + 1)
    found = Diagnostics((Diagnostic("WARN", "UNUSED_ENUM_TYPE", "m", (location,)),), {"s": f"{before}X"})
    _, line, caret = text(found).splitlines()
    assert line.endswith("X")
    assert caret == f"    | {columns}^"


def test_text_keeps_characters_that_reorder_a_line_from_the_terminal() -> None:
    sdl = "# \N{RIGHT-TO-LEFT OVERRIDE}} tnemmoc"
    found = Diagnostics((Diagnostic("WARN", "UNUSED_ENUM_TYPE", "m", (Location("s", 1, 1),)),), {"s": sdl})
    assert "  1 | # \N{REPLACEMENT CHARACTER}} tnemmoc" in text(found)


def test_a_line_has_the_number_of_the_schema_where_the_file_does_not_keep_its_lines() -> None:
    folded = SourceFile("supergraph.yaml", line=7, verbatim=False)
    warning = Diagnostic("WARN", "UNUSED_ENUM_TYPE", "m", (Location("s", 2, 1),))
    found = Diagnostics((warning,), {"s": "a\nb"}, {"s": folded})
    assert text(found).splitlines()[1:3] == ["  --> supergraph.yaml:7:1", "  2 | b"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_text_counts_lines_as_graphql_does(ending: str) -> None:
    sdl = f'"""a\x0cb\u2028c"""{ending}scalar A{ending}scalar B'
    found = Diagnostics((Diagnostic("WARN", "UNUSED_ENUM_TYPE", "m", (Location("s", 3, 1),)),), {"s": sdl})
    assert "  3 | scalar B" in text(found)


def test_github_escapes_reserved_characters() -> None:
    first, second, third = FORMATS["github"](FOUND).splitlines()
    assert first == (
        "::error file=my schemas/users%2C1.graphql,line=2,col=2,title=FIELD_TYPE_MISMATCH::Types differ:%0AInt, 100%25."
        "%0Aalso b&b:1:1%0ADeclare the same type in all subgraphs."
    )
    assert second.startswith("::error title=NO_QUERIES::No query.")
    assert third.startswith("::warning title=INCONSISTENT_DESCRIPTION::They differ.")


def test_json_has_places_in_schemas_and_in_files() -> None:
    report = json.loads(FORMATS["json"](FOUND))
    assert (report["ok"], report["supergraph"], len(report["errors"]), len(report["hints"])) == (False, None, 2, 1)
    assert report["errors"][0]["locations"][1] == {
        "subgraph": "b&b",
        "line": 1,
        "column": 1,
        "file": {"path": "supergraph.yaml", "line": 7, "column": 5},
    }
    assert report["hints"][0]["locations"][0]["file"] is None
    assert report["hints"][0]["level"] == "WARN"


def test_sarif_has_one_run_with_rules_and_results() -> None:
    log = json.loads(FORMATS["sarif"](FOUND))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["FIELD_TYPE_MISMATCH", "NO_QUERIES", "INCONSISTENT_DESCRIPTION"]
    assert rules[0]["help"]["markdown"].startswith("# FIELD_TYPE_MISMATCH\n")
    assert [(result["ruleIndex"], result["level"]) for result in run["results"]] == [
        (0, "error"),
        (1, "error"),
        (2, "warning"),
    ]


def test_sarif_places_are_uris_from_the_checkout_and_other_places_are_related() -> None:
    (run,) = json.loads(FORMATS["sarif"](FOUND))["runs"]
    mismatch, no_queries, description = run["results"]
    assert mismatch["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "my%20schemas/users%2C1.graphql", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 2},
    }
    (related,) = mismatch["relatedLocations"]
    assert related["physicalLocation"]["region"] == {"startLine": 7, "startColumn": 5}
    assert no_queries["locations"] == []
    # A schema that came over the network has a name, but no file.
    assert "physicalLocation" not in description["locations"][0]
    assert description["locations"][0]["logicalLocations"][0]["name"] == "far"


def test_junit_fails_a_case_an_error_and_passes_the_subgraphs_without() -> None:
    root = ET.fromstring(FORMATS["junit"](FOUND))  # noqa: S314  # our own output
    (suite,) = root
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("4", "2", "0")
    cases = suite.findall("testcase")
    assert [(case.attrib["classname"], case.attrib["name"]) for case in cases] == [
        ("composition.users", "FIELD_TYPE_MISMATCH 2:2"),
        ("composition.supergraph", "NO_QUERIES"),
        ("composition.far", "composes"),
        ("composition.fine", "composes"),
    ]
    assert cases[0].attrib["file"] == "my schemas/users,1.graphql"
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.attrib["type"] == "FIELD_TYPE_MISMATCH"
    assert "at supergraph.yaml:7:5" in (failure.text or "")
    assert "INCONSISTENT_DESCRIPTION" in (suite.findtext("system-out") or "")


def test_junit_has_no_characters_that_xml_forbids() -> None:
    found = Diagnostics((Diagnostic("ERROR", "NO_QUERIES", "a\x00b\x1b\ud800c\ufffe", ()),), {})
    root = ET.fromstring(FORMATS["junit"](found))  # noqa: S314  # our own output
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == "abc"


@pytest.mark.parametrize("form", ["text", "github"])
def test_nothing_found_is_nothing_said(form: str) -> None:
    assert FORMATS[form](NOTHING) == ""


def test_nothing_found_passes_every_case() -> None:
    root = ET.fromstring(FORMATS["junit"](NOTHING))  # noqa: S314  # our own output
    assert root.attrib["failures"] == "0"
    assert json.loads(FORMATS["json"](NOTHING))["ok"] is True
    assert json.loads(FORMATS["sarif"](NOTHING))["runs"][0]["results"] == []


def test_sarif_places_findings_without_a_file_in_the_configuration() -> None:
    found = dataclasses.replace(FOUND, config="deploy/supergraph.yaml")
    _, no_queries, description = json.loads(FORMATS["sarif"](found))["runs"][0]["results"]
    for result in (no_queries, description):
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "deploy/supergraph.yaml", "uriBaseId": "%SRCROOT%"}
        assert physical["region"]["startLine"] == 1


def test_sarif_names_absolute_paths_by_their_uri() -> None:
    found = dataclasses.replace(FOUND, config="/srv/super graph.yaml")
    (location,) = json.loads(FORMATS["sarif"](found))["runs"][0]["results"][1]["locations"]
    assert location["physicalLocation"]["artifactLocation"] == {"uri": "file:///srv/super%20graph.yaml"}
