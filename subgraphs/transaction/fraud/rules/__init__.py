"""The rules: what a rules file may contain, one class for each kind.

`rule` has what all kinds share, `kinds` lists them, and `rule_set` is a whole file.
"""
