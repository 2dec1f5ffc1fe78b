"""Lint: rules of style and habit for the schema files of one version. `router check --lint` runs them.

In: the proposed version. Out: findings with file, line and advice.

- `elements` lists what a text declares. `deprecations`, `type_nodes` and `name_forms` answer questions of rules.
- `rule` has the class of a rule, which other packages use for rules of their own. `rules` has a file for each rule of
  the router, and `pages` the page that explains it.
- `find_rules` finds all rules. `settings` reads their levels, and `opt_outs` the comments that switch them off.
- `run_rules` runs them.
"""
