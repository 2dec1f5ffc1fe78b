"""The names of files have hashes of their content, and pages and files refer to each other by these names.

Covers `servicekit/static_folder.py`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from servicekit.static_folder import CircularReferences, StaticFolder, StaticPage

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "index.html": '<a href="{{home}}"><img src="{{file icon.svg}}"></a>\n{{modules main.mjs}}\n{{integrity main.mjs}}',
    "main.mjs": "import { a } from './parts/a.mjs';\nimport './b.mjs';\nconst later = () => import('./c.mjs');\n",
    "parts/a.mjs": "export * from '../b.mjs';\n",
    "b.mjs": "export const b = \"from './nothing.mjs'\";\n",
    "c.mjs": "export const c = 1;\n",
    "style.css": "@font-face { src: url(letters.woff2) } i { src: url('data:x') } b { src: url(none.png) }",
    "letters.woff2": "letters",
    "icon.svg": "<svg/>",
    "secret.py": "no",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_names_have_the_hash_of_the_content(folder: Path) -> None:
    read = StaticFolder(folder)
    assert set(read.names) == FILES.keys() - {"index.html", "secret.py"}
    assert set(read.names.values()) == set(read.files)
    for name, hashed in read.names.items():
        stem, _, suffix = name.rpartition(".")
        assert hashed == f"{stem}.{hashlib.sha256(read.files[hashed].content).hexdigest()[:16]}.{suffix}"
    assert read.url("/files/", "icon.svg") == f"/files/{read.names['icon.svg']}"


def test_files_refer_to_each_other_by_hashed_names(folder: Path) -> None:
    read = StaticFolder(folder)
    main = read.files[read.names["main.mjs"]].content.decode()
    imported = re.findall(r"'\./([^']+)'", main)
    assert imported == [read.names[name] for name in ("parts/a.mjs", "b.mjs", "c.mjs")]
    assert f"'../{read.names['b.mjs']}'" in read.files[read.names["parts/a.mjs"]].content.decode()
    style = read.files[read.names["style.css"]].content.decode()
    assert f"url({read.names['letters.woff2']})" in style
    assert "url('data:x')" in style
    assert "url(none.png)" in style
    assert "'./nothing.mjs'" in read.files[read.names["b.mjs"]].content.decode()


def test_a_change_gives_new_names_to_the_file_and_to_what_refers_to_it_alone(folder: Path) -> None:
    before = StaticFolder(folder).names
    assert StaticFolder(folder).names == before
    (folder / "parts/a.mjs").write_text("export const a = 2;\n")
    after = StaticFolder(folder).names
    assert {name for name in after if after[name] != before[name]} == {"main.mjs", "parts/a.mjs"}


def test_a_page_has_the_urls_and_the_integrity_of_files(folder: Path) -> None:
    read = StaticFolder(folder)
    page = StaticPage(read, "index.html", "/files/", {"home": "/?a&b"})
    text = page.at("/bank").content.decode()
    assert '<a href="/bank/?a&amp;b">' in text
    assert f'src="/bank/files/{read.names["icon.svg"]}"' in text
    links = re.findall(r'<link rel="modulepreload" href="/bank/files/([^"]+)" integrity="([^"]+)" />', text)
    assert [name for name, _ in links] == [read.names[name] for name in ("b.mjs", "c.mjs", "parts/a.mjs")]
    for name, integrity in links:
        digest = hashlib.sha384(read.files[name].content).digest()
        assert integrity == f"sha384-{base64.b64encode(digest).decode()}"
    assert text.endswith(read.integrity("main.mjs"))
    assert 'src="/files/' in page.at("").content.decode()
    assert page.at("") is page.at("")


@pytest.mark.parametrize("place", ["{{file nothing.css}}", "{{integrity nothing.css}}", "{{nothing}}"])
def test_a_page_with_an_unknown_place_is_an_error(folder: Path, place: str) -> None:
    (folder / "index.html").write_text(place)
    with pytest.raises(KeyError, match="nothing"):
        StaticFolder(folder).page("index.html", "/", {})


def test_a_circle_is_an_error(folder: Path) -> None:
    (folder / "b.mjs").write_text("import './main.mjs';")
    with pytest.raises(CircularReferences, match=r"b\.mjs -> main\.mjs"):
        StaticFolder(folder)


def test_several_folders_are_one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "library.js").write_text("x")
    assert StaticFolder(folder, other).names["library.js"].startswith("library.")
