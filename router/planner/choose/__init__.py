"""Leaves with their options in, one option for each leaf out, so that the plan costs least."""
