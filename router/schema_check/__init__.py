"""Finds out whether a new version of a schema breaks its clients.

In: an old and a new API schema, and operations that clients send. Out: the changes, each with its severity, and the
operations that a change breaks. The command `router check` prints both.

Reading order:

- `schema_sources` reads the texts of one version of a schema, and `schema_versions` makes the version from them.
  `compose_versions` composes both versions of a check. `git_files` reads files as they were at another commit.
  `registry` has the subgraphs of other repositories.
- `changes` has the class for a change, and the table of all kinds of changes.
- `input_and_output_types` finds how operations can use each type of a schema.
- `diff` compares two schemas.
- `operations` reads known operations, and finds the parts of the schema that they use.
- `impact_on_known_operations` combines changes and operations.
- `judge_changes` has the function `check`, and the classes of its result.
- `find_lines_of_elements` finds the file and the line that declare an element of a schema.
- `approvals` and `policy` read the files in which a team says what it accepts.
- `lint` and `steps` have the parts of a check besides the diff. `steps.run_check` runs the whole check.
- `rendering` prints the result as text and in machine-readable formats. `comment` writes it into a merge request.
"""
