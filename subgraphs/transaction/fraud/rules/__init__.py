"""The kinds of rules that a rules file may contain, with one class for each kind.

`rule` is the base class of all kinds, `kinds` lists the kinds, and `rule_set` is a whole rules file.

The modules of this package are pure: they have no I/O and read no clock.
"""
