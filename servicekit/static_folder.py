"""Gives the files of a folder names with hashes of their content, and pages that refer to them (see `static_files`).

A hash covers what a file refers to, because references are replaced first: imports between ES modules, and `url()` in
style sheets. So files must not refer to each other in a circle.
"""

from __future__ import annotations

import base64
import hashlib
import html
import posixpath
import re
from typing import TYPE_CHECKING, Final

from servicekit.static_files import CONTENT_TYPES, HTML, StaticFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PAGE_SUFFIX: Final = ".html"
_HASH_LENGTH: Final = 16
# `from './name.mjs'`, `import './name.mjs'`, `import('./name.mjs')`; `url(name.ttf)` with or without quotes.
_REFERENCES: Final[Mapping[str, re.Pattern[bytes]]] = {
    ".mjs": re.compile(rb"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}/[\w./-]+)["']"""),
    ".js": re.compile(rb"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.{1,2}/[\w./-]+)["']"""),
    ".css": re.compile(rb"""\burl\(\s*["']?([\w./-]+)["']?\s*\)"""),
}
_PLACE: Final = re.compile(r"\{\{([a-z]+)(?: ([\w./-]+))?\}\}")


class CircularReferences(ValueError):
    """Files refer to each other in a circle, so that no hash can be computed."""


class StaticPage:
    """A page of a folder, under the path at which its application is mounted.

    Attributes:
        files_path: the path of the folder's files, which begins and ends with `/`.
        paths: the value of each place of the page that is a path of the application.
    """

    def __init__(self, folder: StaticFolder, name: str, files_path: str, paths: Mapping[str, str]) -> None:
        self._folder = folder
        self._name = name
        self._files_path = files_path
        self._paths = paths
        self._made: tuple[str, StaticFile] | None = None

    def at(self, root: str) -> StaticFile:
        """Return the page. `root` is the path of the mount, such as `/bank`, or empty."""
        if self._made is None or self._made[0] != root:
            values = {name: root + path for name, path in self._paths.items()}
            self._made = root, self._folder.page(self._name, root + self._files_path, values)
        return self._made[1]


class StaticFolder:
    """The files of a folder by their names with hashes, which have `/` between their parts.

    Attributes:
        files: all files but the pages.
        names: the name of each file without hash → with hash.
    """

    def __init__(self, *folders: Path) -> None:
        """Read all files of `folders`. No two folders may have files with the same name.

        Raises:
            CircularReferences: files refer to each other in a circle.
        """
        self.files: dict[str, StaticFile] = {}
        self.names: dict[str, str] = {}
        self._pages: dict[str, str] = {}
        self._imports: dict[str, list[str]] = {}
        contents: dict[str, bytes] = {}
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).as_posix()
                if path.suffix == _PAGE_SUFFIX:
                    self._pages[name] = path.read_text(encoding="utf-8")
                elif path.suffix in CONTENT_TYPES and path.is_file():
                    contents[name] = path.read_bytes()
        for name in contents:
            self._add(name, contents, ())

    def url(self, prefix: str, name: str) -> str:
        """Return the URL of the file `name`. `prefix` is the URL of the folder, which ends with `/`."""
        return prefix + self.names[name]

    def integrity(self, name: str) -> str:
        """Return the value of the attribute `integrity` for the file `name`."""
        digest = hashlib.sha384(self.files[self.names[name]].content).digest()
        return f"sha384-{base64.b64encode(digest).decode()}"

    def page(self, name: str, prefix: str, values: Mapping[str, str]) -> StaticFile:
        """Return a page, with values for its places. `prefix` is the URL of the folder, which ends with `/`.

            {{file icon.svg}}           the URL of a file
            {{integrity banking.css}}   the value of the attribute `integrity`
            {{modules main.mjs}}        links that load the modules which a module imports, each with its integrity
            {{graphql}}                 one of `values`, which are escaped

        Raises:
            KeyError: there is no such page, file or value.
        """

        def filled(place: re.Match[str]) -> str:
            kind, file = place.groups()
            if kind == "file":
                return html.escape(self.url(prefix, file))
            if kind == "integrity":
                return self.integrity(file)
            if kind == "modules":
                return "\n    ".join(self._module_links(prefix, file))
            return html.escape(values[kind])

        return StaticFile(_PLACE.sub(filled, self._pages[name]).encode(), HTML)

    def _module_links(self, prefix: str, name: str) -> Iterator[str]:
        for module in sorted(self._all_imports(name)):
            url, integrity = html.escape(self.url(prefix, module)), self.integrity(module)
            yield f'<link rel="modulepreload" href="{url}" integrity="{integrity}" />'

    def _all_imports(self, name: str) -> set[str]:
        found = set[str]()
        waiting = [name]
        while waiting:
            new = set(self._imports[waiting.pop()]) - found
            found |= new
            waiting += new
        return found

    def _add(self, name: str, contents: Mapping[str, bytes], above: tuple[str, ...]) -> str:
        """Add a file, after the files to which it refers. Return its name with the hash."""
        if name in self.names:
            return self.names[name]
        if name in above:
            raise CircularReferences(f"files refer to each other in a circle: {' -> '.join((*above, name))}")
        stem, suffix = posixpath.splitext(name)
        imports: list[str] = []

        def replaced(reference: re.Match[bytes]) -> bytes:
            path = reference[1].decode()
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            if target not in contents:
                return reference[0]
            imports.append(target)
            hashed = posixpath.basename(self._add(target, contents, (*above, name)))
            new = posixpath.join(posixpath.dirname(path), hashed)
            return reference[0].replace(reference[1], new.encode())

        content = contents[name]
        if suffix in _REFERENCES:
            content = _REFERENCES[suffix].sub(replaced, content)
        digest = hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
        self.names[name] = f"{stem}.{digest}{suffix}"
        self._imports[name] = imports
        self.files[self.names[name]] = StaticFile(content, CONTENT_TYPES[suffix])
        return self.names[name]
