"""Measures transfers, lists, fraud decisions and memory of the bank."""
