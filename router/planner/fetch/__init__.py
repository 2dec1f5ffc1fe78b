"""Chosen places -> fetch groups -> (optimised) fetch groups -> fetches."""
