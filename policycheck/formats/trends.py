"""Pictures of numbers over days, as SVG without any text: labels stand around it in HTML, so that no installed font changes a byte of it.

Drawn by Vega-Lite through altair and vl-convert (extra `html`). Where these are not installed there is no picture, and the numbers stand in their table alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

SERIES = 6
"""Kinds of bars that are told apart."""
COLORS = ("#0060a8", "#b85c00", "#00795a", "#a8437f", "#2f86ad", "#6b6b6b")
"""Of the series, on white: each at 3:1 or more, and apart for colour-blind readers. `report.css` has their counterparts on black."""
_WIDTH, _HEIGHT = 720, 120
# What HTML need not be told, and what hides a picture from a screen reader that is hidden as a whole.
_SPARE = re.compile(r' (?:xmlns(?::xlink)?|version|role|aria-roledescription|aria-hidden)="[^"]*"')


def stacked_bars(series: Sequence[Sequence[int]]) -> str:
    """As `_draw`; "" where the libraries are not installed.

    Args:
        series: at most `SERIES`, all of one length: a number a day.
    """
    if not series or len(series) > SERIES:
        raise ValueError(f"{len(series)} series; 1 to {SERIES} can be distinguished")
    try:
        return _draw(tuple(map(tuple, series)))
    except ImportError:
        return ""


@lru_cache(maxsize=16)
def _draw(series: tuple[tuple[int, ...], ...]) -> str:
    """An SVG element with a bar a day, stacked from the first series (at the bottom) to the last.

    Raises:
        ImportError: a library is not installed.
    """
    import altair
    import vl_convert

    rows = [{"day": day, "kind": kind, "count": count} for kind, counts in enumerate(series) for day, count in enumerate(counts) if count]
    days = list(range(len(series[0])))
    chart = (
        altair.Chart(altair.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=altair.X("day:O", axis=None, scale=altair.Scale(domain=days, paddingInner=0.2, paddingOuter=0.1)),
            y=altair.Y("count:Q", axis=None, stack="zero"),
            color=altair.Color("kind:O", legend=None, scale=altair.Scale(domain=list(range(len(series))), range=list(COLORS[: len(series)]))),
            order=altair.Order("kind:O", sort="ascending"),
        )
        .properties(width=_WIDTH, height=_HEIGHT, autosize="none", padding=0)
        .configure(aria=False, background="transparent", view=altair.ViewConfig(strokeWidth=0))
    )
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict())
    return _SPARE.sub("", svg).replace("<svg", '<svg aria-hidden="true" focusable="false" preserveAspectRatio="none"', 1)
