"""The rules of the house, read from the source: who may import whom, how large things may be, which test covers what.

Every import counts, wherever it stands: at module level, in a function, or under `TYPE_CHECKING`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator  # noqa: TC003 - a test module, no import cost to save
from pathlib import Path
from typing import Final

import pytest  # noqa: TC002 - a test module

ROOT = Path(__file__).parent.parent

# Package -> the packages of ours that it may import, besides itself.
ALLOWED: dict[str, set[str]] = {
    "servicekit": set(),
    "router": {"servicekit"},
    "bank": {"servicekit"},
    "subgraphs.kit": {"servicekit", "bank"},
    "subgraphs.auth": {"servicekit", "bank", "subgraphs.kit"},
    "subgraphs.account": {"servicekit", "bank", "subgraphs.kit"},
    "subgraphs.transaction": {"servicekit", "bank", "subgraphs.kit"},
    "rest_compat": {"servicekit", "bank"},
    "mosafe": {"servicekit", "bank", "router", "subgraphs", "rest_compat"},
}

# Inside the router, the frozen plan is all that these two stages know of each other.
PLAN_IS_THE_ONLY_MEETING_POINT = (("router.planner", "router.executor"), ("router.executor", "router.planner"))

TOP_LEVEL = {name.split(".")[0] for name in ALLOWED}


def source_files() -> list[Path]:
    return sorted(path for top in TOP_LEVEL for path in (ROOT / top).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in source_files()}


def absolute_base(name: str, path: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    kept = package[: len(package) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def imported_modules(name: str, path: Path) -> Iterator[str]:
    """Modules of ours that ``path`` imports, submodules rather than packages where a submodule is meant."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute_base(name, path, node)
            candidates = [deeper if (deeper := f"{base}.{alias.name}") in MODULES else base for alias in node.names]
        else:
            continue
        yield from (candidate for candidate in candidates if candidate in MODULES and candidate != name)


GRAPH = {name: sorted(set(imported_modules(name, path))) for name, path in MODULES.items()}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def owner(module: str) -> str | None:
    return next((package for package in ALLOWED if within(module, package)), None)


def test_the_source_tree_was_found() -> None:
    assert {name.split(".")[0] for name in MODULES} >= TOP_LEVEL


def test_imports_point_one_way() -> None:
    violations = [
        f"{module} imports {target}"
        for module, targets in GRAPH.items()
        for target in targets
        if (package := owner(module)) is not None
        and not within(target, package)
        and not any(within(target, other) for other in ALLOWED[package])
    ]
    assert violations == []


def test_planner_and_executor_share_the_plan_only() -> None:
    violations = [
        f"{module} imports {target}"
        for module, targets in GRAPH.items()
        for target in targets
        for left, right in PLAN_IS_THE_ONLY_MEETING_POINT
        if within(module, left) and within(target, right)
    ]
    assert violations == []


def test_every_module_has_an_owner() -> None:
    strays = [module for module in MODULES if owner(module) is None and module != "subgraphs"]
    assert strays == []


def test_no_import_cycle() -> None:
    done: set[str] = set()
    cycles: list[str] = []

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            cycles.append(" -> ".join((*trail[trail.index(module) :], module)))
        elif module not in done:
            for target in GRAPH[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in GRAPH:
        visit(module, ())
    assert cycles == []


MAX_FILE_LINES: Final = 400
MAX_CLASS_LINES: Final = 200
MAX_FUNCTION_LINES: Final = 40
MAX_PARAMETERS: Final = 5
MAX_GATEWAY_LINES: Final = 150

Function = ast.FunctionDef | ast.AsyncFunctionDef


def parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def lines(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def is_resolver(function: Function) -> bool:
    """A GraphQL resolver: the contract decides its arguments, and one of them is Strawberry's `info`."""
    return any(argument.arg == "info" for argument in function.args.args)


def too_large(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT).as_posix()
    if (count := text.count("\n")) > MAX_FILE_LINES:
        yield f"{place}: {count} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef) and lines(node) > MAX_CLASS_LINES:
            yield f"{place}: class {node.name} has {lines(node)} lines"
        if isinstance(node, Function):
            if lines(node) > MAX_FUNCTION_LINES:
                yield f"{place}: {node.name} has {lines(node)} lines"
            if parameters(node) > MAX_PARAMETERS and not is_resolver(node):
                yield f"{place}: {node.name} has {parameters(node)} parameters"


def test_nothing_is_too_large() -> None:
    assert [finding for path in source_files() for finding in too_large(path)] == []


def test_the_gateway_fits_on_one_screen() -> None:
    assert (ROOT / "router/gateway.py").read_text(encoding="utf-8").count("\n") <= MAX_GATEWAY_LINES


def test_every_module_of_the_router_has_its_test() -> None:
    """A module has the test file of its name in the mirrored folder, or the docstring of a test file has its path."""
    tests = sorted((ROOT / "tests/router").rglob("test_*.py"))
    docstrings = " ".join(ast.get_docstring(ast.parse(test.read_text(encoding="utf-8"))) or "" for test in tests)
    untested = [
        place
        for path in source_files()
        if path.name not in {"__init__.py", "__main__.py"}
        and (place := path.relative_to(ROOT).as_posix()).startswith("router/")
        and not (ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")).exists()
        and place not in docstrings
    ]
    assert untested == []


# The floors of the router, the lowest first. A room imports rooms of lower floors only.
FLOORS: Final[tuple[frozenset[str], ...]] = (
    frozenset({"printable_text", "strict_model", "validation_messages"}),
    frozenset({"errors", "json_codec", "federation", "settings"}),
    frozenset({"plan", "storage", "supergraph", "get_operation", "request"}),
    frozenset({"planner", "composition", "transport"}),
    frozenset({"executor", "preparation"}),
    frozenset({"pipeline", "usage"}),
    frozenset({"policies"}),
    frozenset({"gateway_assembly", "server", "schema_check"}),
    frozenset({"gateway"}),
    frozenset({"lifecycle"}),
    frozenset({"cli"}),
)


def room(module: str) -> str | None:
    """The folder or file right below `router/` that a module is in, None for the package itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "router" and len(parts) > 1 and parts[1] != "__main__" else None


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def test_every_room_of_the_router_has_a_floor() -> None:
    assert {name for module in MODULES if (name := room(module)) is not None} == frozenset().union(*FLOORS)


def test_no_room_of_the_router_imports_upwards() -> None:
    violations = [
        f"{module} imports {target}"
        for module, targets in GRAPH.items()
        for target in targets
        if (origin := room(module)) is not None
        and (goal := room(target)) is not None
        and origin != goal
        and floor(goal) >= floor(origin)
    ]
    assert violations == []


# Functions whose results are kept for as long as the process lives, and why no text of a client can be among their
# arguments. Anything else is kept by an object that bounds it in bytes and ends with its owner.
KEPT_RESULTS: Final[dict[str, str]] = {
    "bank/topology.py: load_topology": "has no arguments",
    "rest_compat/openapi.py: document": "has no arguments",
    "router/composition/explain/__init__.py: find": "codes of our own pages, and what an operator types",
    "router/composition/reading/check_and_add_spec_definitions.py: _of_federation_2": "has no arguments",
    "router/composition/reading/check_graphql_rules.py: _base": "definitions in an operator's schemas",
    "router/composition/reading/spec_definitions_under_schema_names.py: _renamed": "names in an operator's schemas",
    "router/composition/reading/spec_directive_names.py: federation_1_names": "has no arguments",
    "router/federation/field_sets.py: _parse_and_keep": "field sets in an operator's schemas",
    "router/server/pages/ide_pages.py: installed_pages": "has no arguments",
    "router/settings/all_keys.py: _own_keys": "classes of the settings",
    "router/strict_model.py: _attribute_docstrings": "classes of configuration files",
    "servicekit/graphql_messages.py: _patterns": "has no arguments",
    "subgraphs/account/limits.py: next_day": "days that the clock and the store contain, at most eight",
    "subgraphs/account/limits.py: next_month": "months that the clock and the store contain, at most eight",
    "subgraphs/account/schema.py: build_schema": "has no arguments",
    "subgraphs/auth/schema.py: build_schema": "has no arguments",
    "subgraphs/transaction/schema.py: build_schema": "has no arguments",
    "subgraphs/transaction/store/sqlite.py: _update": "columns that a change may replace",
    "router/federation/spec_versions.py: spec_versions": "names of specifications in an operator's schemas",
}
CACHING_DECORATORS: Final = frozenset({"cache", "lru_cache", "cached", "alru_cache"})


def kept_results(path: Path) -> Iterator[str]:
    """The functions of a module that a caching decorator of a library wraps, in any spelling."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrappers = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"functools", "cachetools", "async_lru"}
        for alias in node.names
    }
    decorators = {
        id(part): function.name
        for function in ast.walk(tree)
        if isinstance(function, Function)
        for decorator in function.decorator_list
        for part in ast.walk(decorator)
    }
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else wrappers.get(getattr(node, "id", ""))
        is_library = not isinstance(node, ast.Attribute) or getattr(node.value, "id", "") in {"functools", "cachetools"}
        if name in CACHING_DECORATORS and is_library and isinstance(node, ast.Name | ast.Attribute):
            yield f"{path.relative_to(ROOT).as_posix()}: {decorators.get(id(node), 'module')}"


def test_no_module_keeps_text_of_clients() -> None:
    """A cache of 1,024 documents of 1.9 MB held 2 GB in the router, and as much in a service."""
    assert {each for path in source_files() for each in kept_results(path)} == KEPT_RESULTS.keys()


def test_a_cache_of_a_module_is_found_in_every_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    module = tmp_path / "module.py"
    for text in (
        "from functools import lru_cache\n@lru_cache\ndef f(text): ...",
        "from functools import lru_cache as keep\n@keep(maxsize=9)\ndef f(text): ...",
        "import functools\n@functools.cache\ndef f(text): ...",
        "import functools\nclass C:\n    @functools.lru_cache(1)\n    async def f(self, text): ...",
    ):
        module.write_text(text)
        assert list(kept_results(module)) == ["module.py: f"]
    module.write_text("from functools import cache\nf = cache(len)")
    assert list(kept_results(module)) == ["module.py: module"]
    module.write_text("from functools import cached_property\nclass C:\n    @cached_property\n    def f(self): ...")
    assert list(kept_results(module)) == []
