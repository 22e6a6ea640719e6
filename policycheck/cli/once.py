"""Commands whose options of one value are given once.

The parser takes the last of several values without a word: of `--profile a --profile b` only b would be asked, and a pass would speak for half.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from typer.core import TyperCommand

from policycheck.errors import UsageError


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
