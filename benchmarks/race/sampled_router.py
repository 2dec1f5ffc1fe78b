"""`router serve` that counts which Python function runs, every millisecond of its processor time.

    RACE_SAMPLES=FILE python -m benchmarks.race.sampled_router serve --supergraph ...

Counting begins with SIGUSR1 and ends with SIGUSR2, which writes `FILE`: JSON with the number of samples by
"FILE:FUNCTION", where the function is the innermost one. C code counts for the function that called it.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.cli import main

if TYPE_CHECKING:
    from types import FrameType

INTERVAL_SECONDS: Final = 0.001
_samples: Counter[str] = Counter()


def _sample(_signal: int, frame: FrameType | None) -> None:
    if frame is not None:
        code = frame.f_code
        _samples[f"{code.co_filename}:{code.co_qualname}"] += 1


def _begin(_signal: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_SECONDS, INTERVAL_SECONDS)


def _end(_signal: int, _frame: FrameType | None) -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    file = Path(os.environ["RACE_SAMPLES"])
    new = file.with_suffix(".new")
    new.write_text(json.dumps(_samples), "utf-8")
    new.replace(file)


if __name__ == "__main__":
    signal.signal(signal.SIGPROF, _sample)
    signal.signal(signal.SIGUSR1, _begin)
    signal.signal(signal.SIGUSR2, _end)
    main()
