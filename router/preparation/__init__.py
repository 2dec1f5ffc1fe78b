"""Everything about an operation that does not depend on its variables, done once and cached.

    text ─ limits, parse, validate ─> document ─ choose ─> operation ─ plan ─> plan
           documents.py                                                plans.py

`preparation.py` puts the stages together; `override_labels.py` decides which labels of progressive overrides hold for
a request, on which its plan depends.
"""
