"""The one way a fold is compiled, so that it stays ordinary Python to readers and tests."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile with Numba and keep the machine code beside the source, for the next process.

    Numba notices an edit of the function's own file only. A compiled function therefore uses
    nothing of another file; what it needs from elsewhere (calendar, rules) comes in as arrays.
    It works beside other threads (`engine.folded`).
    With NUMBA_DISABLE_JIT=1 the function runs as plain Python and gives the same rows.
    """
    return cast(F, numba.njit(cache=True, nogil=True)(function))
