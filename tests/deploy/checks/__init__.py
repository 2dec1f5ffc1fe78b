"""Checks of the files with which the platform is deployed. They need no tool, so they run in `make test`.

A check is a function that gets the folder with the files and yields problems as text. `test_manifests.py` runs the
checks on this repository, and `test_manifest_mutations.py` on copies with one mistake each.
"""
