"""Measurements: each folder has a script that prints a table; `make bench` runs them all."""
