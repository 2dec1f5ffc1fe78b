"""Runs the `router` command line when Python is started with `python -m router`."""

from __future__ import annotations

from router.cli import main

if __name__ == "__main__":
    main()
