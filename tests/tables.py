"""Tables of cases that are one test: where a case takes less time than pytest takes for a test of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from typing import Any

import pytest

Test = Callable[..., None]
SHOWN = 5


def each(names: str | tuple[str, ...], rows: Iterable[Any], ids: Callable[[Any], object] = repr) -> Callable[[Test], Test]:
    """As `pytest.mark.parametrize`, in one test: every row is tried, and those that fail are named.

    Args:
        names: the parameters that a row gives: one name for the row itself, or several for its members.
        rows: at least one.
        ids: what a row is called where it fails.
    """
    table = list(rows)
    assert table, "a table without rows tests nothing"

    def decorate(test: Test) -> Test:
        parameters = signature(test).parameters
        given = {names} if isinstance(names, str) else set(names)
        assert given <= set(parameters), f"{test.__name__} has no parameter {given - set(parameters)}"

        def run(**fixtures: Any) -> None:
            failures: list[BaseException] = []
            for row in table:
                try:
                    test(**fixtures, **({names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))))
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"row: {ids(row)}")
                    failures.append(error)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} rows failed; the first are shown", failures[:SHOWN])

        run.__dict__.update(test.__dict__)  # the marks
        run.__name__, run.__qualname__, run.__module__, run.__doc__ = test.__name__, test.__qualname__, test.__module__, test.__doc__
        kept = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for name, parameter in parameters.items() if name not in given]
        run.__signature__ = signature(test).replace(parameters=kept)  # type: ignore[attr-defined]  # pytest asks for fixtures by it
        return run

    return decorate
