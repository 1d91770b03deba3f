"""Things that happen at the same moment, as several workers or people would do them."""

import threading
from collections.abc import Callable

from django.db import connections

PATIENCE_S = 60


def at_once[T](work: Callable[[], T], times: int) -> list[T]:
    """What each of so many threads got, in any order. They begin together, each with database connections of its own.
    Raises ExceptionGroup with what went wrong in any of them."""
    gate = threading.Barrier(times, timeout=PATIENCE_S)
    results: list[T] = []
    errors: list[Exception] = []

    def one() -> None:
        try:
            gate.wait()
            results.append(work())
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, daemon=True) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    if errors:
        raise ExceptionGroup("at once", errors)
    assert len(results) == times, "some are still at it"
    return results
