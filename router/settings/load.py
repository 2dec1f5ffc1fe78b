"""Reads `router.yaml` into `RouterSettings`, and reports every problem with its line.

A reference can stand in place of any scalar. The reference is replaced by its value before types are checked:

    port: {from_env: ROUTER_PORT, default: 4000}     # the value of an environment variable
    value: {from_file: /run/secrets/key}             # the text of a file without line breaks at its end

If the environment variable ROUTER_PORT is not set, the file is read that ROUTER_PORT_FILE names. If that variable is
not set either, `default` is used; without `default`, this is an error.

`ENVIRONMENT` lists keys that have an environment variable. If one of these keys is missing in the file and its variable
is set, the key has the value of the variable. Every other missing key has its default. In development (`MOSAFE_ENV`),
the defaults of some keys are those of `development_defaults`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
from pydantic import BaseModel, ValidationError

from router.settings import keys_of_other_routers
from router.settings.development_defaults import DEVELOPMENT_DEFAULTS
from router.settings.errors import InvalidSettings, Problem
from router.settings.model import RouterSettings
from router.validation_messages import message_of
from servicekit.secret_strength import weakness
from servicekit.settings import FILE_SUFFIX
from servicekit.variable_names import misspelt, without_service_links

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import SecretStr

Location = tuple[str | int, ...]

ENVIRONMENT: Mapping[tuple[str, ...], str] = {
    ("introspection",): "ROUTER_INTROSPECTION",
    ("server", "host"): "MOSAFE_HOST",
    ("server", "port"): "ROUTER_PORT",
    ("server", "trusted_proxies"): "MOSAFE_TRUSTED_PROXIES",
    ("server", "drain_timeout"): "MOSAFE_SHUTDOWN_SECONDS",
}
"""Keys that have an environment variable. A key that is missing in the file has the value of its variable."""

_FROM_ENV = frozenset({"from_env", "default"})
_FROM_FILE = frozenset({"from_file"})


def load(path: Path | None, environ: Mapping[str, str], *, subgraphs: Collection[str] | None = None) -> RouterSettings:
    """Read and check a configuration file. If `path` is None, all settings have their defaults.

    Relative paths in the file are relative to the folder of the file. If `subgraphs` is given, check that the file
    names only subgraphs in `subgraphs`.

    Raises:
        InvalidSettings: the file cannot be read, or it has problems.
    """
    if path is None:
        return read("", environ)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSettings([Problem(str(path), 1, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InvalidSettings([Problem(str(path), 1, "", "is not UTF-8")]) from error
    return _check(text, _Source(str(path), environ, path.parent), subgraphs)


def variables_of(path: Path) -> frozenset[str]:
    """Return the names of all environment variables that a configuration file or `ENVIRONMENT` contains.

    Raises:
        InvalidSettings: the file is not YAML.
        OSError: the file cannot be read.
    """
    source = _Source(str(path), {}, path.parent)
    source.resolve(source.parse(path.read_text(encoding="utf-8")), ())
    return frozenset(source.variables)


def read(text: str, environ: Mapping[str, str]) -> RouterSettings:
    """Read and check the text of a configuration. Relative paths in the text are relative to the working directory.

    Files that the text names need not exist.

    Raises:
        InvalidSettings: the text has problems.
    """
    return _check(text, _Source("router.yaml", environ, Path(), is_file=False), None)


def _check(text: str, source: _Source, subgraphs: Collection[str] | None) -> RouterSettings:
    values = source.resolve(source.parse(text), ())
    if isinstance(values, dict):
        source.add_from_environment(values)
    else:
        source.report((), "a configuration is a mapping of keys to values")
    if source.problems:
        raise InvalidSettings(source.problems)
    try:
        settings = RouterSettings.model_validate(values, context=source.folder if source.is_file else None)
    except ValidationError as error:
        raise InvalidSettings(sorted(source.explain(error, values), key=attrgetter("line"))) from None
    for key in settings.unknown_subgraphs(subgraphs) if subgraphs is not None else ():
        source.report(key, f"the supergraph has no such subgraph; it has {', '.join(sorted(subgraphs or ()))}")
    source.check_secrets(settings)
    source.check_names()
    if source.problems:
        raise InvalidSettings(source.problems)
    return settings


class _Source(msgspec.Struct):
    """A configuration file that is being read, and the problems found in the file.

    `lines` has the line of each key. If a value comes from an environment variable or from another file, `origins` has
    the name of this variable or file. `variables` has the names of all environment variables that the configuration can
    use. With these names, a misspelt environment variable is found.
    """

    name: str
    environ: Mapping[str, str]
    folder: Path
    is_file: bool = True
    lines: dict[Location, int] = msgspec.field(default_factory=dict)
    origins: dict[Location, str] = msgspec.field(default_factory=dict)
    problems: list[Problem] = msgspec.field(default_factory=list)
    variables: set[str] = msgspec.field(default_factory=lambda: set(ENVIRONMENT.values()))

    def report(self, location: Location, message: str) -> None:
        self.problems.append(self._problem(location, message))

    def line(self, location: Location) -> int:
        """Return the line of a key. If this line is not known, return the line of the nearest enclosing key."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def parse(self, text: str) -> object:
        if not text:
            return {}
        # The YAML parser takes long to import, and a router without a configuration file does not need it.
        from ruamel.yaml import YAML  # noqa: PLC0415
        from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

        try:
            document: object = YAML(typ="rt", pure=True).load(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else 1
            reason, *_ = (error.problem or error.context or "").strip().split(" with value ")
            raise InvalidSettings([Problem(self.name, line, "", f"not YAML: {reason}")]) from None
        except YAMLError:
            raise InvalidSettings([Problem(self.name, 1, "", "not YAML: it has a character YAML forbids")]) from None
        return {} if document is None else document

    def resolve(self, node: object, location: Location) -> object:
        """Return `node` with each reference replaced by its value, and record the line of each key."""
        if isinstance(node, Mapping):
            if "from_env" in node or "from_file" in node:
                return self._resolve_reference(node, location)
            return {key: self.resolve(value, self._record_line(node, key, location)) for key, value in node.items()}
        if isinstance(node, list):
            return [self.resolve(item, self._record_line(node, index, location)) for index, item in enumerate(node)]
        return node

    def _record_line(self, parent: object, key: str | int, location: Location) -> Location:
        inner = (*location, key)
        position = getattr(parent, "lc", None)  # of a mapping or list that was read from the file
        if position is not None and position.data and key in position.data:
            self.lines[inner] = position.data[key][0] + 1
        return inner

    def _resolve_reference(self, reference: Mapping[str, object], location: Location) -> object:
        if reference.keys() == _FROM_FILE:
            return self._from_file(reference["from_file"], location)
        if "from_env" in reference and reference.keys() <= _FROM_ENV:
            return self._from_env(reference, location)
        kind = "`from_env` and optionally `default`" if "from_env" in reference else "`from_file` alone"
        self.report(
            location, f"a reference has {kind}, but this reference has {', '.join(f'`{key}`' for key in reference)}"
        )
        return None

    def _from_env(self, reference: Mapping[str, object], location: Location) -> object:
        variable = reference["from_env"]
        if not isinstance(variable, str):
            self.report(location, "the value of `from_env` must be the name of a variable")
            return None
        self.variables.add(variable)
        value, file = self.environ.get(variable), self.environ.get(variable + FILE_SUFFIX)
        if value and file:
            self.report(location, f"both {variable} and {variable}{FILE_SUFFIX} are set; keep one of them")
            return None
        if value:  # an empty variable is treated as unset, as in Docker Compose files
            self.origins[location] = f"environment variable {variable}"
            return value
        if file:
            return self._from_file(str(Path(file).absolute()), location)
        if "default" not in reference:
            self.report(location, f"environment variable {variable} is not set, and the reference has no `default`")
        return reference.get("default")

    def _from_file(self, path: object, location: Location) -> object:
        if not isinstance(path, str):
            self.report(location, "the value of `from_file` must be a path")
            return None
        self.origins[location] = f"file {path}"
        try:
            return (self.folder / path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            self.report(location, f"cannot read {path}: {error.strerror}")
        except UnicodeDecodeError:
            self.report(location, f"{path} is not UTF-8")
        return None

    def add_from_environment(self, values: dict[str, object]) -> None:
        """Add missing keys to `values`: keys of `ENVIRONMENT` whose variable is set, then keys for development."""
        for location, variable in ENVIRONMENT.items():
            if self.environ.get(variable) and _add_missing(values, location, self.environ[variable]):
                self.origins[location] = f"environment variable {variable}"
        if self.environ.get("MOSAFE_ENV") == "development":
            for location, value in DEVELOPMENT_DEFAULTS.items():
                if _add_missing(values, location, value):
                    self.origins[location] = "the defaults for development"

    def check_secrets(self, settings: RouterSettings) -> None:
        """Report each secret that anybody can guess. In development, any secret is accepted."""
        if self.environ.get("MOSAFE_ENV") == "development":
            return
        for location, secret in _secrets(settings):
            if secret is not None and (weak := weakness(secret.get_secret_value())) is not None:
                self.report(location, f"this secret {weak}; make one with: openssl rand -hex 32")

    def check_names(self) -> None:
        """Report each environment variable that seems to be misspelt: its name is similar to a name in `variables`."""
        for name in sorted(without_service_links(self.environ)):
            if (near := misspelt(name, self.variables)) is not None:
                self.report((), f"environment variable {name} is unknown; did you mean {near}?")

    def explain(self, error: ValidationError, values: object) -> Iterator[Problem]:
        """Yield a problem for each error that pydantic found. Messages do not contain `values`, which may be secret.

        An unknown section is often copied from the configuration of another router. So if the section contains keys of
        another router, each of these keys is reported as a problem too.
        """
        for finding in error.errors(include_url=False, include_input=False):
            location: Location = tuple(finding["loc"])
            message = message_of(finding)
            if finding["type"] == "extra_forbidden":
                message = _unknown_key(location)
            elif location in self.origins:
                message = f"{message} (the value comes from {self.origins[location]})"
            yield self._problem(location, message)
            if finding["type"] == "extra_forbidden":
                for inner in keys_of_other_routers.locations_inside(location, _value_at(location, values)):
                    yield self._problem(inner, _unknown_key(inner))

    def _problem(self, location: Location, message: str) -> Problem:
        return Problem(self.name, self.line(location), ".".join(map(str, location)), message)


def _secrets(settings: RouterSettings) -> Iterator[tuple[Location, SecretStr | None]]:
    yield ("admin", "token"), settings.admin.token
    yield ("signatures", "all", "key", "secret"), settings.signatures.all.key.secret
    for name, each in settings.signatures.subgraphs.items():
        if each.key is not None:
            yield ("signatures", "subgraphs", name, "key", "secret"), each.key.secret


def _value_at(location: Location, values: Any) -> object:
    for part in location:
        values = values[part]
    return values


def _add_missing(values: dict[str, object], location: tuple[str, ...], value: object) -> bool:
    """Set the key at `location` if it is missing in `values`. Return whether it was set."""
    *sections, key = location
    for name in sections:
        section = values.setdefault(name, {})
        if not isinstance(section, dict):  # validation reports a section that is not a mapping
            return False
        values = section
    if key in values:
        return False
    values[key] = value
    return True


def _unknown_key(location: Location) -> str:
    elsewhere = keys_of_other_routers.message_about(location)
    if elsewhere is not None:
        return f"unknown key. {elsewhere}"
    known = _keys_beside(location)
    closest = difflib.get_close_matches(str(location[-1]), known, n=1)
    if closest:
        return f"unknown key; did you mean `{closest[0]}`?"
    return f"unknown key; the keys here are {', '.join(sorted(known))}"


def _keys_beside(location: Location) -> list[str]:
    """Return all keys that are allowed in the section that contains `location`."""
    model: type[BaseModel] | None = RouterSettings
    annotation: object = None
    for part in location[:-1]:
        if model is not None:
            annotation = model.model_fields[str(part)].annotation
        model = _model_in(annotation)
        if model is not None and _is_container(annotation):
            annotation, model = model, None  # the next element of `location` is a list index or a mapping key
    if model is None:
        model = _model_in(annotation)
    return list(model.model_fields) if model is not None else []


def _is_container(annotation: object) -> bool:
    return getattr(annotation, "__origin__", None) in {tuple, Mapping}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)
