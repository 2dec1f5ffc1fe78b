"""Read `supergraph.yaml`. This file lists the subgraphs to compose, and says where the SDL of each subgraph is.

This is the format of Apollo's command line tool `rover`:

    federation_version: =2.11
    subgraphs:
      users:
        routing_url: http://users.internal/graphql
        schema:
          file: users/schema.graphql          # relative to this file's folder
      posts:
        routing_url: ${env.POSTS_URL}
        schema:
          sdl: "type Query { posts: [String] }"
      likes:
        schema:
          subgraph_url: http://localhost:4003/graphql   # fetch the SDL here; also the default of `routing_url`
          introspection_headers: {Authorization: "Bearer ${env.TOKEN}"}

`${env.NAME}` in a string is replaced by the value of the environment variable `NAME`. `${env.NAME:-text}` has the
default value `text`, which is used if the variable is not set.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString

from router.composition.file_locations import SourceFile
from router.composition.find_surrogates import has_surrogates
from router.federation.spec_versions import spec_versions
from servicekit.http_url import split_http_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_VARIABLE = re.compile(r"\$\{env\.([A-Za-z_]\w*)(?::-([^}]*))?\}")
_VERSION = re.compile(r"=?(?:latest-)?(\d+)(?:\.(\d+))?(?:\.\d+)?")
_KINDS = ("file", "sdl", "subgraph_url")


class ConfigError(Exception):
    """The configuration cannot be used. The message says where: the file and the line, or the URL of the subgraph."""


@dataclass(frozen=True, slots=True)
class SubgraphSource:
    """One subgraph in `supergraph.yaml`. Exactly one of `file`, `sdl` and `subgraph_url` is set.

    `origin` is the file that contains the SDL. If `sdl` is set, this is `supergraph.yaml`. If `subgraph_url` is set,
    `origin` is None. `place` is the line in `supergraph.yaml` that has `file`, `sdl` or `subgraph_url`. Error messages
    contain this line.
    """

    name: str
    routing_url: str
    place: str = ""
    file: Path | None = None
    sdl: str | None = None
    subgraph_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    origin: SourceFile | None = None


def read_config(path: Path, environ: Mapping[str, str]) -> list[SubgraphSource]:
    """Return the sources of all subgraphs, in the order of the file.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or does not have the format of `supergraph.yaml`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8") from error
    reader = _Reader(path, environ, text)
    root = reader.parse()
    reader.keys(root, ("federation_version", "subgraphs"), required=("subgraphs",))
    reader.version(root)
    subgraphs = reader.mapping(root, "subgraphs")
    if not subgraphs:
        raise reader.error(root, "subgraphs", "no subgraph is listed")
    return [reader.source(subgraphs, name) for name in subgraphs]


def _problem(error: MarkedYAMLError) -> str:
    if isinstance(error, DuplicateKeyError):
        # The message of the YAML library quotes the values, and the value of a header can be a secret. So the library's
        # message is not shown.
        return "a key is written twice"
    problem = error.problem or "is not YAML"
    return f"{error.context}, {problem}" if error.context and problem.startswith("but ") else problem


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_text(value: str) -> bool:
    """Return whether the text has no NUL character and no half of a surrogate pair. YAML escapes can create both."""
    return "\0" not in value and not has_surrogates(value)


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    environ: Mapping[str, str]
    content: str

    def parse(self) -> CommentedMap:
        try:
            root = YAML(typ="rt").load(self.content)
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError(f"{self.path}:{line}: {_problem(error)}") from None
        except (YAMLError, RecursionError):
            raise ConfigError(f"{self.path}:1: is not YAML") from None
        if not isinstance(root, CommentedMap):
            raise ConfigError(f"{self.path}:1: a configuration is a mapping of keys to values")
        return root

    def error(self, parent: CommentedMap, key: object, message: str) -> ConfigError:
        return ConfigError(f"{self.place(parent, key)}: {message}")

    def place(self, parent: CommentedMap, key: object) -> str:
        """Return the file and the line of `key`."""
        positions = parent.lc.data or {}
        line = positions[key][0] if key in positions else parent.lc.line or 0
        return f"{self.path}:{line + 1}"

    def keys(self, parent: CommentedMap, known: tuple[str, ...], required: tuple[str, ...] = ()) -> None:
        for key in parent:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f', did you mean "{near[0]}"?' if near else f"; the keys are {', '.join(known)}"
                raise self.error(parent, key, f'unknown key "{key}"{hint}')
        for key in required:
            if key not in parent:
                raise self.error(parent, key, f'the key "{key}" is missing')

    def mapping(self, parent: CommentedMap, key: str) -> CommentedMap:
        value = parent[key]
        if not isinstance(value, CommentedMap):
            raise self.error(parent, key, f'"{key}" must be a mapping')
        return value

    def text(self, parent: CommentedMap, key: str) -> str:
        value = parent[key]
        if not isinstance(value, str):
            raise self.error(parent, key, f'"{key}" must be a string')

        def expand(match: re.Match[str]) -> str:
            found = self.environ.get(match[1], match[2])
            if found is None:
                raise self.error(parent, key, f"the environment variable {match[1]} is not set")
            return found

        expanded = _VARIABLE.sub(expand, value)
        if "${env." in _VARIABLE.sub("", value):
            raise self.error(parent, key, "an environment variable must be written as ${env.NAME} or ${env.NAME:-text}")
        if not expanded:
            raise self.error(parent, key, f'"{key}" is empty')
        if not _is_text(expanded):
            raise self.error(parent, key, f'"{key}" contains a character that text cannot contain')
        return expanded

    def version(self, root: CommentedMap) -> None:
        """Raise `ConfigError` if `federation_version` is not a version that this composition implements."""
        if "federation_version" not in root:
            return
        match = _VERSION.fullmatch(str(root["federation_version"]))
        latest = spec_versions("federation")[-1].version
        asked = (int(match[1]), int(match[2] or 0)) if match else None
        if asked is None or asked > (latest.major, latest.minor):
            raise self.error(
                root,
                "federation_version",
                f'federation_version "{root["federation_version"]}" is not supported; the newest supported version is '
                f"={latest.major}.{latest.minor}",
            )

    def source(self, subgraphs: CommentedMap, name: object) -> SubgraphSource:
        if not isinstance(name, str):
            raise self.error(subgraphs, name, f'the name of a subgraph must be a string: write "{name}" in quotes')
        if not _is_text(name):
            raise self.error(subgraphs, name, "the name of a subgraph contains a character that text cannot contain")
        entry = self.mapping(subgraphs, name)
        self.keys(entry, ("routing_url", "schema"), required=("schema",))
        schema = self.mapping(entry, "schema")
        self.keys(schema, (*_KINDS, "introspection_headers"))
        given = [kind for kind in _KINDS if kind in schema]
        if len(given) != 1:
            raise self.error(entry, "schema", f'the schema of "{name}" needs exactly one of {", ".join(_KINDS)}')
        value = self.text(schema, given[0])
        if "routing_url" in entry:
            routing_url = self.text(entry, "routing_url")
        elif given[0] == "subgraph_url":
            routing_url = value
        else:
            raise self.error(subgraphs, name, f'"{name}" needs a routing_url')
        self._check_url(entry if "routing_url" in entry else schema, routing_url)
        file = self.path.parent / value if given[0] == "file" else None
        return SubgraphSource(
            name=name,
            routing_url=routing_url,
            place=self.place(schema, given[0]),
            file=file,
            sdl=value if given[0] == "sdl" else None,
            subgraph_url=value if given[0] == "subgraph_url" else None,
            headers=self._headers(schema),
            origin=SourceFile(str(file)) if file else self._inline(schema),
        )

    def _check_url(self, parent: CommentedMap, url: str) -> None:
        """Raise `ConfigError` if the router could not send requests to `url`."""
        key = "routing_url" if "routing_url" in parent else "subgraph_url"
        try:
            split_http_url(url)
        except ValueError as error:
            raise self.error(parent, key, f'"{key}" is not a URL that the router can call: {error}') from None

    def _inline(self, schema: CommentedMap) -> SourceFile | None:
        """Return where the value of `sdl` begins in the configuration file; None if `sdl` is not set.

        If the SDL is a literal block (`|`) without environment variables, the file contains the lines of the SDL
        unchanged, and `verbatim` of the result is True. Otherwise, `verbatim` is False.
        """
        if "sdl" not in schema:
            return None
        value = schema["sdl"]
        positions = schema.lc.data or {}
        # The YAML merge key `<<` can copy `sdl` from another mapping. Then `sdl` has no position in this mapping.
        key_line = (positions["sdl"][0] if "sdl" in positions else schema.lc.line) + 1
        lines = value.split("\n")
        first = next((number for number, line in enumerate(lines) if line.strip()), 0)
        if not isinstance(value, LiteralScalarString) or "${env." in value or "sdl" not in positions:
            return SourceFile(str(self.path), key_line, verbatim=False)
        written = self.content.split("\n")[key_line + first]
        return SourceFile(str(self.path), key_line + 1, indent=_indent(written) - _indent(lines[first]))

    def _headers(self, schema: CommentedMap) -> dict[str, str]:
        if "introspection_headers" not in schema:
            return {}
        if "subgraph_url" not in schema:
            raise self.error(schema, "introspection_headers", "introspection_headers need a subgraph_url")
        headers = self.mapping(schema, "introspection_headers")
        return {str(name): self.text(headers, name) for name in headers}
