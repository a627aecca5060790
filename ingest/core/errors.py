"""Errors that a person reads: one line that says what, where and what to do."""

import os
import sys
from collections.abc import Callable, Sequence

NOTHING_TO_DO = 99
NOT_YET = 75  # "try again later" of sysexits.h
NOBODY_READS = 141  # as a shell says of a command that a closed pipe ended


class Problem(Exception):
    """Something a person has to put right. The message is one line; no traceback is shown."""


def one_line(text: object) -> str:
    """Text of an error without line breaks, so that a message stays one line."""
    return " ".join(str(text).split())


def run_command(main: Callable[[list[str]], int], argv: Sequence[str]) -> int:
    """Run a command's main and return its exit status; a Problem becomes one line and status 1.

    Where the reader of its output went away (`… | head`), it ends without a word.
    """
    try:
        status = main(list(argv))
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its end
        return NOBODY_READS
    except Problem as problem:
        print(f"error: {one_line(problem)}", file=sys.stderr)
        return 1
