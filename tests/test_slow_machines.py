"""Rules of tests that only a slow or busy machine breaks: there, a run of all tests takes half an hour and longer."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
REQUESTS: Final = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
CLIENTS: Final = {f"httpx.{name}" for name in REQUESTS | {"Client", "AsyncClient"}}
CLOCKS: Final = {"time.time", "datetime.now", "values.now", "now", "time.monotonic", "datetime.today", "date.today"}
# File -> why an old time does no harm there.
OLD_TIME_IS_RIGHT: Final = {
    "bank/test_identity.py": "all times are far in the past or in the future",
    "forged_proofs.py": "all times are far in the past or in the future",
    "mosafe/test_events.py": "times are compared with each other only",
    "router/usage/test_usage_store.py": "times are compared with each other only",
    "subgraphs/account/test_postings.py": "times are compared with each other only",
    "subgraphs/kit/events/test_kafka.py": "no code looks at the time of these events",
    "subgraphs/transaction/test_notifications.py": "no code looks at the time of these events",
}
Trees = dict[str, ast.Module]


def trees() -> Trees:
    """The syntax trees of all Python files of the tests, by path."""
    return {str(path.relative_to(TESTS)): ast.parse(path.read_text("utf-8")) for path in sorted(TESTS.rglob("*.py"))}


class CallsAtImport(ast.NodeVisitor):
    """The names of the functions that are called when the module is imported."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, node.args):
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name is that of the node

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """What it calls is called later."""

    def visit_Call(self, node: ast.Call) -> None:
        self.names.add(ast.unparse(node.func))
        self.generic_visit(node)


def test_no_test_uses_the_time_at_which_its_module_was_imported() -> None:
    """Tokens, proofs and sessions of that time have expired when the test runs."""
    found = set()
    for name, tree in trees().items():
        calls = CallsAtImport()
        calls.visit(tree)
        if not CLOCKS.isdisjoint(calls.names):
            found.add(name)
    assert found == OLD_TIME_IS_RIGHT.keys()


def test_each_http_request_of_a_test_has_its_own_time_limit() -> None:
    """The one of httpx is 5 s, within which a process that has just started on a busy machine may not respond."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in CLIENTS
        if {"timeout", "transport"}.isdisjoint({keyword.arg for keyword in node.keywords})
    ]
    assert found == []


def test_ports_of_tests_come_from_one_place() -> None:
    """Another process may get a port between its choice and its use, if `tests/ports.py` does not prevent it."""
    found = [
        name
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "tests.ports"
        if {"free_port", "free_ports"} & {each.name for each in node.names}
    ]
    assert found == []
