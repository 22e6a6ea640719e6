"""`--query`: JMESPath, as the AWS CLI uses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policycheck.errors import UsageError
from policycheck.text import clean_line, shorten

Query = Callable[[Any], Any]
_LONGEST = 300
"""Characters of an error, which repeats the value that a function cannot take."""


def parse_query(text: str) -> Query:
    """What searches a document. Raises UsageError for an expression that is none, and the query does for one that cannot be applied."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, ValueError) as error:
        raise UsageError(f"--query {clean_line(text)}: not a JMESPath expression: {clean_line(str(error))}", hint="See https://jmespath.org.") from None

    def search(document: Any) -> Any:
        try:
            return compiled.search(document)
        except JMESPathError as error:
            failure = UsageError(
                f"--query {clean_line(text)}: cannot be applied: {shorten(clean_line(str(error)), _LONGEST)}", hint="See https://jmespath.org."
            )
            failure.aws_exit_code = 255
            raise failure from None

    return search
