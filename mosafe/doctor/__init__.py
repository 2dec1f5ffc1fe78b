"""`mosafe doctor`: checks an installation, one line for each finding (docs/deploy/troubleshooting.md).

The checks change nothing, and none prints a secret. They run at the same time, each for a few seconds at most. Read
`findings`, then `run_checks` with the table of checks, then the checks.
"""
