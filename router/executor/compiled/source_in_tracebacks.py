"""Keep the source text of generated code for tracebacks and debuggers, in little memory.

The text is kept compressed, which makes it about eight times smaller. Stored as a list of lines, it would be four times
larger. `linecache` calls the function that decompresses the text only when a traceback or a debugger shows the text.
"""

from __future__ import annotations

import linecache
import weakref
import zlib
from functools import partial
from itertools import count

_numbers = count(1)


def new_filename() -> str:
    """Return a new file name for generated code.

    The name is not in angle brackets, because `linecache` shows no lines for such names.
    """
    return f"compiled plan {next(_numbers)}"


def show_in_tracebacks(owner: object, filename: str, text: str) -> None:
    """Show the lines of `text` in tracebacks, under the name `filename`, as long as `owner` exists."""
    source = partial(_decompressed, zlib.compress(text.encode()))
    # An entry with one item is lazy: `linecache` replaces it when the lines are needed.
    linecache.cache[filename] = (source,)
    weakref.finalize(owner, linecache.cache.pop, filename, None).atexit = False


def _decompressed(compressed: bytes) -> str:
    return zlib.decompress(compressed).decode()
