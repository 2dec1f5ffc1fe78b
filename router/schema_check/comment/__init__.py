"""Writes the result of a check into a comment of a merge request. The next check replaces this comment.

`find_merge_request_of_ci_job` finds the merge request in the environment of a CI job. `gitlab_notes` and
`github_comments` use the APIs of the two hosts. `update_comment` finds the comment of an earlier check by its marker.
"""
