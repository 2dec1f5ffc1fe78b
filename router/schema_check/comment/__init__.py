"""Writes the result of a check into one comment of a merge request, and replaces this comment the next time.

`comment_targets` finds the merge request in the environment of a CI job, `gitlab_notes` and `github_comments` speak the
APIs of both hosts, and `update_comment` finds the earlier comment by its marker.
"""
