"""Finds the merge request of a CI job in the job's environment variables."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from router.schema_check.comment.github_comments import GithubComments
from router.schema_check.comment.gitlab_notes import GitlabNotes
from router.schema_check.comment.host_api import HostApi
from router.schema_check.comment.merge_request_comments import CommentError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from router.schema_check.comment.merge_request_comments import MergeRequestComments

TOKEN: Final = "ROUTER_COMMENT_TOKEN"  # noqa: S105 - the name of a variable
_GITHUB_API: Final = "https://api.github.com"


@contextmanager
def merge_request_comments(environ: Mapping[str, str], timeout_seconds: float) -> Iterator[MergeRequestComments]:
    """Open the comments of the merge request that the job belongs to.

    Args:
        environ: The environment variables. GitLab and GitHub set those that name the merge request. The token is in
            `ROUTER_COMMENT_TOKEN`, or in `GITHUB_TOKEN` for GitHub.
        timeout_seconds: The time limit of each request.

    Raises:
        CommentError: The job does not belong to a merge request, or there is no token.
    """
    if environ.get("CI_MERGE_REQUEST_IID"):
        token = _token(environ, (TOKEN,), "a project access token with the scope api")
        url = environ.get("CI_API_V4_URL", "")
        with _client(url, {"PRIVATE-TOKEN": token}, timeout_seconds) as client:
            api = HostApi(client, "the scope api")
            yield GitlabNotes(api, environ.get("CI_PROJECT_ID", ""), environ["CI_MERGE_REQUEST_IID"])
    elif number := _pull_request(environ):
        token = _token(environ, (TOKEN, "GITHUB_TOKEN"), "${{ github.token }}")
        url = environ.get("GITHUB_API_URL") or _GITHUB_API
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
        with _client(url, headers, timeout_seconds) as client:
            api = HostApi(client, "the permission pull-requests: write")
            yield GithubComments(api, environ.get("GITHUB_REPOSITORY", ""), number)
    else:
        raise CommentError("this job does not belong to a merge request of GitLab or a pull request of GitHub")


def _client(url: str, headers: Mapping[str, str], timeout_seconds: float) -> httpx.Client:
    return httpx.Client(base_url=f"{url.rstrip('/')}/", headers=headers, timeout=timeout_seconds)


def _token(environ: Mapping[str, str], names: tuple[str, ...], what: str) -> str:
    for name in names:
        if environ.get(name):
            return environ[name]
    raise CommentError(f"there is no token for comments: set {names[-1]} to {what}")


def _pull_request(environ: Mapping[str, str]) -> int | None:
    path = environ.get("GITHUB_EVENT_PATH")
    if not path:
        return None
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommentError(f"{path}: the event of this job cannot be read: {error}") from error
    match event:
        case {"pull_request": {"number": int(number)}}:
            return number
        case _:
            return None
