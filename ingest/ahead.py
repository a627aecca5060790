"""Work that goes on beside the caller's, on a thread of its own, in order."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


def one_ahead(parts: Iterator[T]) -> Iterator[T]:
    """The same parts, the next one being made while the caller works on this one."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, parts, None)
        while (part := following.result()) is not None:
            following = thread.submit(next, parts, None)
            yield part


class OneBehind:
    """Does things one after another; the caller goes on while the last one is done.

    A failure is raised by the next call, or at the end of the block.
    """

    def __enter__(self) -> "OneBehind":
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None
        return self

    def do(self, work: Callable[[], None]) -> None:
        """Do this next."""
        self._wait()
        self._last = self._thread.submit(work)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._thread.shutdown(cancel_futures=True)

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()
