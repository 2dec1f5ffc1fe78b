"""The `mosafe` command line: the one package that knows all parts of the platform.

In reading order: `cli` lists the commands, `processes` the five processes; `up` starts them with `supervisor`, `demo`
fills their databases; `env` and `sdl` print generated files.
"""
