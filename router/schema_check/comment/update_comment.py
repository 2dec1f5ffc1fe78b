"""Replaces the comment of an earlier check, or writes the first one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from router.schema_check.rendering.markdown import MARKER

if TYPE_CHECKING:
    from router.schema_check.comment.merge_request_comments import MergeRequestComments

# GitHub refuses longer comments. GitLab allows more.
_MAX_CHARACTERS: Final = 65_000
_CUT: Final = "\n\n… the rest is in the log of the job."


def update_comment(comments: MergeRequestComments, report: str, proposed: str) -> str:
    """Write a report into the comment of this check, and return what was done: `replaced` or `created`.

    A merge request can have several checks, such as one for each list of subgraphs. Each has its own comment.

    Args:
        comments: The comments of the merge request.
        report: The report in Markdown; its first line is the marker of the format.
        proposed: The name of the proposed version. It distinguishes the checks of one merge request.

    Raises:
        CommentError: The host refuses, or cannot be reached.
    """
    marker = _marker(proposed)
    body = f"{marker}{report.removeprefix(MARKER)}"
    if len(body) > _MAX_CHARACTERS:
        body = f"{body[: _MAX_CHARACTERS - len(_CUT)].rpartition(chr(10))[0]}{_CUT}"
    for comment in comments.read():
        # Anybody can write a comment with this marker. If the host does not let us change a comment, it is not ours.
        if comment.body.startswith(marker) and comments.replace(comment, body):
            return "replaced"
    comments.create(body)
    return "created"


def _marker(proposed: str) -> str:
    # The marker is an HTML comment, and `--` in the name would end it.
    name = re.sub(r"[^\w./]+", "-", proposed)
    return MARKER.replace(" -->", f" {name} -->")
