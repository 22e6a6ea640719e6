"""Commands whose options of one value are given once, and whose help shows the options in panels.

The parser takes the last of several values without a word: of `--profile a --profile b` only b would be asked, and a pass would speak for half.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from typer.core import TyperCommand

from policycheck.errors import UsageError
from policycheck.settings.option import AWS, EVALUATION, EVIDENCE, FIRST, OUTPUT

_PANELS = (FIRST, "Options", EVIDENCE, EVALUATION, OUTPUT, AWS)
MAX_WIDTH = 100
"""Columns of a help, where the terminal has as many."""


class StrictCommand(TyperCommand):
    """A command that refuses an option of one value where it is given more than once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer's; raises UsageError for an option that is given twice."""
        # The order has an option as often as it is given; a mistake of another kind is the same in both readings.
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        given = Counter(parameter.name for parameter in order)
        for parameter in self.params:
            single = parameter.param_type_name == "option" and not parameter.multiple and not getattr(parameter, "is_flag", False)
            if single and given[parameter.name] > 1:
                longest = max(parameter.opts, key=len)
                raise UsageError(f"{longest} is given {given[parameter.name]} times and takes one value", hint=f"Leave one, and see {ctx.command_path} --help.")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments, and the options by panel: one with a few that most people need, and one for each of the others."""
        panels = defaultdict(list)
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                kind = "Arguments" if parameter.param_type_name == "argument" else getattr(parameter, "rich_help_panel", None) or "Options"
                panels[kind].append(record)
        # A command of shared options alone has but --help there.
        order = _PANELS if len(panels["Options"]) > 1 else (*(name for name in _PANELS if name != "Options"), "Options")
        for name in ("Arguments", *order):
            if panels[name]:
                with formatter.section(name):
                    formatter.write_dl(panels[name])
