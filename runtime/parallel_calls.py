"""Makes several API calls of one reconcile side by side, if their order does not matter.

The threads belong to the process, and another reconcile may hold all of them with calls that take seconds. So the
caller does not wait for a free thread: it makes the calls that no thread has begun.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def results_of(
    call: Callable[[Item], Result], items: Sequence[Item], executor: Executor | None = None
) -> Iterable[Result]:
    """Return the result of the call for each item, in their order; an error is raised in place of its result.

    With `executor`, all calls are made before this returns. Without it, each is made when its result is taken.
    """
    if executor is None:
        return map(call, items)
    futures = [executor.submit(call, item) for item in items]
    for number in reversed(range(len(items))):
        if futures[number].cancel():
            futures[number] = _made_here(call, items[number])
    return (future.result() for future in futures)


def _made_here(call: Callable[[Item], Result], item: Item) -> "Future[Result]":
    made: Future[Result] = Future()
    try:
        made.set_result(call(item))
    except Exception as error:
        made.set_exception(error)
    return made
