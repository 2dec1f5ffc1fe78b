"""The comment of a check, against a server with the interface of GitLab and of GitHub.

Covers `router/schema_check/comment/host_api.py`, `router/schema_check/comment/find_merge_request_of_ci_job.py`,
`router/schema_check/comment/github_comments.py`, `router/schema_check/comment/gitlab_notes.py` and
`router/schema_check/comment/merge_request_comments.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from router.schema_check.comment.find_merge_request_of_ci_job import merge_request_comments
from router.schema_check.comment.merge_request_comments import CommentError
from router.schema_check.comment.update_comment import update_comment
from router.schema_check.rendering.markdown import MARKER
from tests.router.schema_check.comment.comment_server import CommentServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORT = f"{MARKER}\n### Schema check\n"


@pytest.fixture
def server() -> Iterator[CommentServer]:
    with CommentServer.running() as found:
        yield found


@pytest.fixture(params=["gitlab", "github"])
def environ(request: pytest.FixtureRequest, server: CommentServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a job of a merge request."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return server.gitlab() if request.param == "gitlab" else server.github(event)


def update(environ: dict[str, str], report: str = REPORT, proposed: str = "supergraph.yaml") -> str:
    with merge_request_comments(environ, 5) as comments:
        return update_comment(comments, report, proposed)


def test_the_first_comment_is_created_and_later_ones_replace_it(environ: dict[str, str], server: CommentServer) -> None:
    server.add("somebody", "What a change!")
    assert update(environ) == "created"
    assert update(environ, f"{REPORT}second\n") == "replaced"
    assert [each.body for each in server.comments] == [
        "What a change!",
        "<!-- router-check supergraph.yaml -->\n### Schema check\nsecond\n",
    ]


def test_each_check_of_a_merge_request_has_its_comment(environ: dict[str, str], server: CommentServer) -> None:
    assert update(environ, proposed="a.yaml") == "created"
    assert update(environ, proposed="b --> .yaml") == "created"
    assert update(environ, proposed="a.yaml") == "replaced"
    assert [each.body.splitlines()[0] for each in server.comments] == [
        "<!-- router-check a.yaml -->",
        "<!-- router-check b-.yaml -->",
    ]


def test_the_comment_is_found_on_a_later_page(environ: dict[str, str], server: CommentServer) -> None:
    for _ in range(230):
        server.add("somebody", "text")
    update(environ)
    assert update(environ) == "replaced"
    assert len(server.comments) == 231


def test_a_marker_that_somebody_else_wrote_does_not_help_him(environ: dict[str, str], server: CommentServer) -> None:
    server.add("somebody", "<!-- router-check supergraph.yaml -->\nAll is well!")
    assert update(environ) == "created"
    assert update(environ) == "replaced"
    assert server.comments[0].body.endswith("All is well!")


def test_a_long_report_is_cut(environ: dict[str, str], server: CommentServer) -> None:
    update(environ, REPORT + "- a change\n" * 10_000)
    body = server.comments[0].body
    assert len(body) <= 65_000
    assert body.endswith("- a change\n\n… the rest is in the log of the job.")


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "returned status 401: the token needs"), (403, "returned status 403: the token needs"), (500, "status 500")],
)
def test_a_host_that_refuses(environ: dict[str, str], server: CommentServer, status: int, message: str) -> None:
    server.refuse_with = status
    with pytest.raises(CommentError, match=message):
        update(environ)


def test_a_wrong_token(environ: dict[str, str]) -> None:
    with pytest.raises(CommentError, match="the token needs"):
        update({**environ, "ROUTER_COMMENT_TOKEN": "wrong"})


def test_a_host_that_is_not_there(environ: dict[str, str]) -> None:
    gone = {key: "http://127.0.0.1:1" if value.startswith("http") else value for key, value in environ.items()}
    with pytest.raises(CommentError, match=r"127\.0\.0\.1 cannot be reached"):
        update(gone)


def test_a_job_without_a_token(environ: dict[str, str]) -> None:
    with pytest.raises(CommentError, match="there is no token for comments: set "):
        update({key: value for key, value in environ.items() if "TOKEN" not in key})


def test_a_job_of_no_merge_request(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"ref": "refs/heads/main"}))
    for environ in ({}, {"GITHUB_EVENT_PATH": str(event)}):
        with pytest.raises(CommentError, match="does not belong to a merge request"):
            update(environ)


def test_an_event_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommentError, match="the event of this job cannot be read"):
        update({"GITHUB_EVENT_PATH": str(tmp_path / "gone.json")})
