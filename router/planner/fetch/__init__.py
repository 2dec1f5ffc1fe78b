"""Chosen options -> fetch groups (`build`) -> fewer groups (`passes/`) -> fetches (`operations`).

`drafting` goes this way for the parts of an operation. `trees` are what fetches select, `inputs` and `requires` what
their representations are built from.
"""
