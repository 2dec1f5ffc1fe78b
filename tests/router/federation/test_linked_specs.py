"""Covers `router/federation/linked_specs.py` and `router/federation/link_directives.py`."""

from __future__ import annotations

import pytest
from graphql.language import DirectiveNode, SchemaExtensionNode, parse

from router.federation.link_directives import LinkError, read_links
from router.federation.linked_specs import FEDERATION_IDENTITY, Links, SpecUrl

FEDERATION = '@link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", {name: "@tag", as: "@label"}])'


def directives(text: str) -> tuple[DirectiveNode, ...]:
    (definition,) = parse(f"extend schema {text}").definitions
    assert isinstance(definition, SchemaExtensionNode)
    return tuple(definition.directives or ())


def links(text: str) -> Links:
    return read_links(directives(text))


@pytest.mark.parametrize(
    ("text", "identity", "version"),
    [
        ("https://specs.apollo.dev/federation/v2.3", "https://specs.apollo.dev/federation", "v2.3"),
        ("https://me:secret@specs.test:81/a/b/v1.0/?x=1#y", "https://specs.test:81/a/b", "v1.0"),
    ],
)
def test_a_specification_url_ends_in_name_and_version(text: str, identity: str, version: str) -> None:
    url = SpecUrl.parse(text)
    assert url is not None
    assert (url.identity, str(url.version)) == (identity, version)
    assert str(url) == f"{identity}/{version}"


@pytest.mark.parametrize(
    "text", ["", "federation/v2.3", "https://specs.test/v1.0", "https://specs.test/a/1.0", "http://["]
)
def test_other_urls_are_not_of_specifications(text: str) -> None:
    assert SpecUrl.parse(text) is None


def test_a_link_gives_elements_their_names_in_the_schema() -> None:
    link = links(FEDERATION).get(FEDERATION_IDENTITY)
    assert link is not None
    assert [link.directive_name(name) for name in ("key", "tag", "shareable", "federation")] == [
        "key",
        "label",
        "federation__shareable",
        "federation",
    ]
    assert link.type_name("FieldSet") == "federation__FieldSet"


def test_a_name_in_the_schema_leads_back_to_its_link() -> None:
    found = links(FEDERATION)
    sources = {name: found.directive_source(name) for name in ("label", "federation__key", "tag")}
    assert {name: source and source[1] for name, source in sources.items()} == {
        "label": "tag",
        "federation__key": "key",
        "tag": None,
    }
    source = found.type_source("federation__FieldSet")
    assert source is not None
    assert source[1] == "FieldSet"
    assert found.type_source("FieldSet") is None


def test_without_the_link_specification_or_federation_nothing_is_linked() -> None:
    assert list(links('@link(url: "https://specs.test/a/v1.0", import: 5)')) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('@link(url: "https://specs.apollo.dev/federation/v9.9")', "UNKNOWN_FEDERATION_LINK_VERSION"),
        ('@link(url: "https://specs.apollo.dev/link/v9.9")', "UNKNOWN_LINK_VERSION"),
        (f'{FEDERATION} @link(url: "no url")', "INVALID_LINK_IDENTIFIER"),
        (f"{FEDERATION} {FEDERATION}", "INVALID_LINK_DIRECTIVE_USAGE"),
        (f"{FEDERATION} @link(url: 1)", "INVALID_LINK_DIRECTIVE_USAGE"),
        (f'{FEDERATION} @link(url: "https://specs.test/a/v1.0", as: "a__b")', "INVALID_LINK_DIRECTIVE_USAGE"),
        (f'{FEDERATION} @link(url: "https://specs.test/a/v1.0", for: NOTHING)', "INVALID_GRAPHQL"),
        (FEDERATION.replace("@key", "@kee"), "INVALID_LINK_DIRECTIVE_USAGE"),
        (FEDERATION.replace('"@label"', '"label"'), "INVALID_LINK_DIRECTIVE_USAGE"),
        (f'{FEDERATION} @link(url: "https://specs.test/a/v1.0", import: ["@key"])', "INVALID_LINK_DIRECTIVE_USAGE"),
    ],
)
def test_a_wrong_link_has_a_code(text: str, code: str) -> None:
    with pytest.raises(LinkError) as error:
        links(text)
    assert error.value.code == code


def test_a_misspelt_import_gets_a_suggestion() -> None:
    with pytest.raises(LinkError, match="did you mean @key"):
        links(FEDERATION.replace("@key", "@kee"))
