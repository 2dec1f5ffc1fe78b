"""The policy of a team for schema checks, in one file: `.router/check.yaml`.

`check_settings` has the keys of the file, `read_check_file` reads it, `starter_check_file` writes a first one.
"""
