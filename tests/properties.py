"""Properties of which a few examples are tried each time, and many among the slow tests."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.backends import ASKED

Test = Callable[..., None]
_MOST_WITH_SPARK = 2
"""Examples of each property: an evaluation takes a second, and what is particular to an engine is told by cases."""

_PART_OF_MANY = 4
"""One of so many of the examples is tried by `make slow`, always the same ones, and all by `make search`."""


def examples(*drawn: SearchStrategy[Any], few: int, many: int, **named: SearchStrategy[Any]) -> Callable[[Test], Test]:
    """As hypothesis's `given`, with `few` examples, or two with Spark; in a slow test of the same name with `many`, of which `make slow` tries a part.

    Args:
        drawn: strategies for the last parameters of the test; those before them are fixtures.
        named: strategies by parameter.
    """
    tried = min(few, _MOST_WITH_SPARK) if ASKED == "spark" else few

    def decorate(test: Test) -> Test:
        parameters = signature(test).parameters
        strategies = {**dict(zip(list(parameters)[-len(drawn) :], drawn, strict=True)), **named} if drawn else named

        def run(number_of_examples: int, **fixtures: Any) -> None:
            def check(**values: Any) -> None:
                test(**fixtures, **values)

            # hypothesis keeps failing examples under the name of what it calls.
            check.__name__, check.__qualname__, check.__module__ = test.__name__, test.__qualname__, test.__module__
            number = part_of(many, 2 * few) if number_of_examples == many else number_of_examples
            limits = settings(max_examples=number, suppress_health_check=UNCHECKED, phases=PHASES)
            limits(given(**strategies)(check))()

        run.__dict__.update(test.__dict__)  # the marks
        run.__name__, run.__qualname__, run.__module__, run.__doc__ = test.__name__, test.__qualname__, test.__module__, test.__doc__
        own = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for name, parameter in parameters.items() if name not in strategies]
        run.__signature__ = signature(test).replace(  # type: ignore[attr-defined]  # pytest asks for fixtures by it
            parameters=[*own, Parameter("number_of_examples", Parameter.KEYWORD_ONLY)]
        )
        twice: Test = pytest.mark.parametrize("number_of_examples", [tried, pytest.param(many, marks=[pytest.mark.slow, pytest.mark.search])])(run)
        return twice

    return decorate


def part_of(many: int, least: int = 1) -> int:
    """How many of so many examples a slow test tries: all of them in a search."""
    return many if settings.get_current_profile_name() == "search" else max(many // _PART_OF_MANY, least)


UNCHECKED = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink]
"""Without Phase.explain, which traces every line while a failure is explained."""
