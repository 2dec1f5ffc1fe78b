"""Checks the schema files of one version with lint rules: rules about style (`router check --lint`).

In: the proposed version. Out: findings with file, line and advice.

- `elements_of_schema_text` lists what a text declares. `find_deprecated_elements`, `list_and_nullable_types` and
  `name_forms` have functions that rules share.
- `rule` has the class `Rule`, which other packages can use too.
- `rules` has a file for each rule of the router. `pages` has the page that explains each rule.
- `find_rules` finds all rules.
- `settings` reads the levels of rules. `opt_outs` reads the comments that switch rules off.
- `run_rules` runs the rules.
"""
