"""Work that goes on beside the caller's, on a thread of its own, in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

DEPTH = 2  # parts that may wait between two threads: enough that neither does, few in memory
T = TypeVar("T")


def ahead(parts: Iterator[T]) -> Iterator[T]:
    """The same parts, the next ones being made while the caller works on this one."""
    with ThreadPoolExecutor(1) as thread:
        following = deque(thread.submit(next, parts, None) for _ in range(DEPTH))
        while (part := following.popleft().result()) is not None:
            following.append(thread.submit(next, parts, None))
            yield part


class Behind:
    """Does things one after another; the caller goes on while the last ones are done.

    A failure is raised by a later call, or at the end of the block.
    """

    def __enter__(self) -> "Behind":
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        return self

    def do(self, work: Callable[[], None]) -> None:
        """Do this next."""
        self._wait(DEPTH - 1)
        self._waiting.append(self._thread.submit(work))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait(0)
        finally:
            self._thread.shutdown(cancel_futures=True)

    def _wait(self, count: int) -> None:
        """Until no more than so many things wait."""
        while len(self._waiting) > count:
            self._waiting.popleft().result()
