"""The way in which a generated subgraph writes Federation directives: version, imports and aliases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.router.oracle.choices import chance, pick

if TYPE_CHECKING:
    from tests.router.oracle.choices import Choices

LATEST = 14
# The minor version that stands for Federation 1.
FEDERATION_1 = -1

# The minor version of Federation 2 that introduced each directive.
INTRODUCED = {
    "key": 0,
    "requires": 0,
    "provides": 0,
    "external": 0,
    "extends": 0,
    "shareable": 0,
    "override": 0,
    "tag": 0,
    "inaccessible": 0,
    "composeDirective": 1,
    "interfaceObject": 3,
    "authenticated": 5,
    "requiresScopes": 5,
    "policy": 6,
    "context": 8,
    "fromContext": 8,
    "cost": 9,
    "listSize": 9,
    "cacheTag": 12,
}
IN_FEDERATION_1 = {"key", "requires", "provides", "external", "extends", "tag"}

CUSTOM_SPEC = "https://specs.example.dev/custom"
APOLLO_SPECS = "https://specs.apollo.dev"
# Specifications that a schema can link separately: versions, and the import of each directive if it needs one.
# Without authorization: Apollo's composition does not propagate such requirements to interfaces, ours does.
OWN_SPECS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "tag": (("v0.2", "v0.3"), {"tag": ""}),
    "inaccessible": (("v0.2",), {"inaccessible": ""}),
    "cost": (("v0.1",), {"cost": "", "listSize": "@listSize"}),
}
CORE_DEFINITION = """directive @core(feature: String!, as: String, for: core__Purpose) repeatable on SCHEMA
enum core__Purpose { SECURITY EXECUTION }"""


@dataclass
class Dialect:
    """The dialect of one subgraph. `aliases` are of directives; `custom` is the version of the custom specification."""

    name: str
    minor: int
    style: str = "imports"
    spec_alias: str = "federation"
    aliases: dict[str, str] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)
    custom: str | None = None
    composes_custom: bool = False
    roots: dict[str, str] = field(default_factory=dict)
    extends_types: bool = False
    links_link: bool = False
    tags_schema: bool = False
    # The version of connectors, and the versions of specifications that are linked separately.
    connect: str | None = None
    own_specs: dict[str, str] = field(default_factory=dict)
    # Whether links use `@core`; only in Federation 1 schemas.
    core: bool = False

    @property
    def is_federation_1(self) -> bool:
        return self.minor == FEDERATION_1

    def knows(self, directive: str) -> bool:
        if self.is_federation_1:
            return directive in IN_FEDERATION_1
        return INTRODUCED[directive] <= self.minor

    def __call__(self, directive: str, arguments: str = "") -> str:
        """A directive as this subgraph writes it; empty if its version has no such directive."""
        if not self.knows(directive):
            return ""
        written = f" @{self._spelled(directive)}"
        return f"{written}({arguments})" if arguments else written

    def _spelled(self, directive: str) -> str:
        if self.is_federation_1 or any(directive in OWN_SPECS[spec][1] for spec in self.own_specs):
            return directive
        self.used[directive] = None
        if self.style == "prefixed":
            return f"{self.spec_alias}__{directive}"
        return self.aliases.get(directive, directive)

    def header(self) -> str:
        """The schema extension with all links that the directives so far need."""
        links = []
        if not self.is_federation_1:
            composed = self("composeDirective", 'name: "@custom"') if self.composes_custom else ""
            tagged = self("tag", 'name: "t1"') if self.tags_schema else ""
            parts = [f'url: "https://specs.apollo.dev/federation/v2.{self.minor}"']
            if self.spec_alias != "federation":
                parts.append(f'as: "{self.spec_alias}"')
            if self.style == "imports":
                parts.append(f"import: [{', '.join(self._import(one) for one in self.used)}]")
            if self.links_link:
                links.append('@link(url: "https://specs.apollo.dev/link/v1.0")')
            links.append(f"@link({', '.join(parts)})")
            links += [tagged] if tagged else []
            links += [self._own_link(spec, version) for spec, version in self.own_specs.items()]
            links += self._connectors()
            if self.custom:
                links.append(f'@link(url: "{CUSTOM_SPEC}/{self.custom}", import: ["@custom"]){composed}')
        elif self.core:
            links = [f'@core(feature: "{APOLLO_SPECS}/{spec}/v0.2")' for spec in ("core", "tag")]
        if self.roots:
            body = " ".join(f"{operation}: {name}" for operation, name in self.roots.items())
            return f"schema {' '.join(links)} {{ {body} }}"
        return f"extend schema {' '.join(links)}" if links else ""

    def connected(self, arguments: str) -> str:
        """A `@connect` directive; it is imported under its own name."""
        return f" @connect({arguments})" if self.connect else ""

    def _connectors(self) -> list[str]:
        if not self.connect:
            return []
        link = f'@link(url: "{APOLLO_SPECS}/connect/{self.connect}", import: ["@connect", "@source"])'
        return [link, '@source(name: "api", http: { baseURL: "https://api.test" })']

    def _own_link(self, spec: str, version: str) -> str:
        imports = [f'"{one}"' for one in OWN_SPECS[spec][1].values() if one]
        listed = f", import: [{', '.join(imports)}]" if imports else ""
        return f'@link(url: "{APOLLO_SPECS}/{spec}/{version}"{listed})'

    def _import(self, directive: str) -> str:
        alias = self.aliases.get(directive)
        return f'{{name: "@{directive}", as: "@{alias}"}}' if alias else f'"@{directive}"'


NAMES = ("alpha", "beta", "gamma", "delta", "omega", "my-api", "a_1", "2nd", "Beta", "x.y")


def generate_dialects(choices: Choices, features: set[str]) -> list[Dialect]:
    """Generate the dialects of one to five subgraphs."""
    count = 1 + choices.number(0, 4) if "many" in features else 1 + choices.number(0, 2)
    minor = LATEST if chance(choices, 30) else choices.number(0, LATEST)
    # With a preview among other versions, the version in Apollo's supergraph depends on the order of the subgraphs.
    connect = ("v0.4",) if chance(choices, 15) else ("v0.1", "v0.2", "v0.2", "v0.3")
    dialects = []
    names = list(NAMES)
    for _ in range(count):
        name = names.pop(0) if not chance(choices, 20) else names.pop(choices.number(0, len(names) - 1))
        dialect = Dialect(name, minor)
        if "versions" in features:
            dialect.minor = choices.number(0, LATEST)
        if "federation 1" in features and chance(choices, 50):
            dialect.minor = FEDERATION_1
        if "spelling" in features:
            _choose_spelling(choices, dialect)
        if "tag alias" in features:
            dialect.aliases["tag"] = "label"
        if "own specs" in features and not dialect.is_federation_1:
            dialect.own_specs = {
                spec: pick(choices, versions) for spec, (versions, _) in OWN_SPECS.items() if chance(choices, 30)
            }
        if "connect" in features and not dialect.is_federation_1 and chance(choices, 60):
            dialect.connect = pick(choices, connect)
        dialect.core = "core" in features and dialect.is_federation_1
        if "extend" in features:
            dialect.extends_types = chance(choices, 50)
        if "roots" in features and chance(choices, 50):
            dialect.roots = {"query": "RootQuery"}
        dialects.append(dialect)
    return dialects


def _choose_spelling(choices: Choices, dialect: Dialect) -> None:
    dialect.links_link = chance(choices, 40)
    dialect.style = pick(choices, ("imports", "imports", "prefixed"))
    if chance(choices, 30):
        dialect.spec_alias = pick(choices, ("fed", "f2"))
    # A composed directive must have one name everywhere, so only the others are renamed.
    for directive in ("key", "shareable", "external", "requires", "provides", "override"):
        if chance(choices, 15):
            dialect.aliases[directive] = f"my{directive.capitalize()}"
    if chance(choices, 6):
        # Names that belong to a specification of the supergraph.
        dialect.aliases[pick(choices, ("key", "tag", "inaccessible"))] = pick(
            choices, ("join__field", "join", "link__x")
        )
