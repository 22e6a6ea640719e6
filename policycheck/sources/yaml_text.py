"""YAML as the AWS CLI writes it (`--output yaml` and `yaml-stream`): the plain values of its documents."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from policycheck.datasets import DATASETS
from policycheck.errors import JobFileError
from policycheck.text import clean_line, truncate

if TYPE_CHECKING:
    from ruamel.yaml import YAML
    from ruamel.yaml.events import ScalarEvent

MAX_YAML_BYTES = 64 * 1024**2
"""The most YAML that is read: two to four minutes of parsing, 2 GB of memory, some 80,000 jobs."""
_WHOLE = re.compile(
    r"true|false|null|~|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:[+-][0-9]{2}:[0-9]{2}|Z)|"
    + "|".join(value for dataset in DATASETS.values() for field in dataset.members for value in field.values)
)
"""Values that nothing can be missing from."""
_HINT = "save the list again with --output json"


def yaml_documents(data: bytes, *, verbatim: bool = False) -> list[object]:
    """The documents in `data`, UTF-8 YAML 1.2. Times stay text: how they are read is the same for every form of a list.

    With `verbatim` every scalar stays text: 012345678901 is an account, not a number.

    Anchors and aliases are refused: the AWS CLI writes none, and a few of them can name more data than any memory holds.

    A text that ends in the middle of a line, in a value that may go on, is refused: a cut leaves valid YAML behind.

    Raises:
        JobFileError: too large, not YAML, cut off, with a member twice in one object, or with an anchor, alias, tag or merge key.
        UnicodeDecodeError: not UTF-8.
    """
    if len(data) > MAX_YAML_BYTES:
        raise JobFileError(f"is YAML of more than {MAX_YAML_BYTES // 1024**2} MiB, which would take minutes to read", hint=_HINT)
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    text = data.decode()
    yaml = _reader(text, verbatim)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(yaml.load_all(text))
    except DuplicateKeyError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise JobFileError(f"has a field more than once in one object{where}: {_first_line(error.problem)}", hint=_HINT) from None
    except MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise JobFileError(f"is neither JSON nor YAML: {error.problem}{where}", hint=_HINT) from None
    except YAMLError as error:
        raise JobFileError(f"is neither JSON nor YAML: {str(error).splitlines()[0]}", hint=_HINT) from None
    except (ValueError, LookupError, RecursionError) as error:
        # ruamel reads `+_` as a number, and fails; it descends one call a level.
        raise JobFileError(f"is neither JSON nor YAML: {type(error).__name__} in a value", hint=_HINT) from None


def _reader(text: str, verbatim: bool) -> YAML:
    # Start-up counts, and most lists are JSON.
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.events import AliasEvent, ScalarEvent

    class PlainComposer(Composer):
        def compose_node(self, parent: object, index: object) -> object:
            event = self.parser.peek_event()
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
                raise JobFileError(f"has a YAML anchor or alias in line {event.start_mark.line + 1}, which the AWS CLI never writes", hint=_HINT)
            if getattr(event, "tag", None) is not None:
                raise JobFileError(f"has a YAML tag in line {event.start_mark.line + 1}, which the AWS CLI never writes", hint=_HINT)
            if isinstance(event, ScalarEvent):
                _refuse_cut(event, text)
                if event.style is None and event.value == "<<":
                    raise JobFileError(f"has a YAML merge key in line {event.start_mark.line + 1}, which the AWS CLI never writes", hint=_HINT)
            return super().compose_node(parent, index)

    class TextTimes(SafeConstructor):
        pass

    TextTimes.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    yaml = YAML(typ="base" if verbatim else "safe", pure=True)
    yaml.Composer = PlainComposer
    if not verbatim:
        yaml.Constructor = TextTimes
    return yaml


def _refuse_cut(event: ScalarEvent, text: str) -> None:
    # A closing quote ends a value, but 'it''s' cut in two ends with one as well.
    ended = event.style == '"' or (event.style == "'" and " " not in event.value) or _WHOLE.fullmatch(event.value)
    if event.end_mark.index >= len(text.rstrip(" \t")) and not ended and not text.endswith("\n"):
        raise JobFileError(
            "might be cut off: it ends in the middle of a line",
            hint="run the command again and check its exit code; if the list is complete, end its last line with a line break",
        )


def _first_line(problem: str | None) -> str:
    return truncate(clean_line((problem or "").split(" with value", 1)[0]), 120)
