"""YAML as the AWS CLI writes it (`--output yaml` and `yaml-stream`): the plain values of its documents."""

from __future__ import annotations

import warnings

from policycheck.errors import JobFileError

MAX_YAML_BYTES = 64 * 1024**2
"""The most YAML that is read: two to four minutes of parsing, 2 GB of memory, some 80,000 jobs."""
_HINT = "save the list again with --output json"


def yaml_documents(data: bytes, *, verbatim: bool = False) -> list[object]:
    """The documents in `data`, UTF-8 YAML 1.2. Times stay text: how they are read is the same for every form of a list.

    With `verbatim` every scalar stays text: 012345678901 is an account, not a number.

    Anchors and aliases are refused: the AWS CLI writes none, and a few of them can name more data than any memory holds.

    Raises:
        JobFileError: too large, not YAML, or with an anchor, alias or tag.
        UnicodeDecodeError: not UTF-8.
    """
    if len(data) > MAX_YAML_BYTES:
        raise JobFileError(f"is YAML of more than {MAX_YAML_BYTES // 1024**2} MiB, which would take minutes to read", hint=_HINT)
    # Start-up counts, and most lists are JSON.
    from ruamel.yaml import YAML
    from ruamel.yaml.composer import Composer
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import AliasEvent

    class PlainComposer(Composer):
        def compose_node(self, parent: object, index: object) -> object:
            event = self.parser.peek_event()
            if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
                raise JobFileError(f"has a YAML anchor or alias in line {event.start_mark.line + 1}, which the AWS CLI never writes", hint=_HINT)
            if getattr(event, "tag", None) is not None:
                raise JobFileError(f"has a YAML tag in line {event.start_mark.line + 1}, which the AWS CLI never writes", hint=_HINT)
            return super().compose_node(parent, index)

    class TextTimes(SafeConstructor):
        pass

    TextTimes.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    yaml = YAML(typ="base" if verbatim else "safe", pure=True)
    yaml.Composer = PlainComposer
    if not verbatim:
        yaml.Constructor = TextTimes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(yaml.load_all(data.decode()))
    except MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise JobFileError(f"is neither JSON nor YAML: {error.problem}{where}", hint=_HINT) from None
    except YAMLError as error:
        raise JobFileError(f"is neither JSON nor YAML: {str(error).splitlines()[0]}", hint=_HINT) from None
    except UnicodeDecodeError:
        raise
    except (ValueError, LookupError, RecursionError) as error:
        # ruamel reads `+_` as a number, and fails; it descends one call a level.
        raise JobFileError(f"is neither JSON nor YAML: {type(error).__name__} in a value", hint=_HINT) from None
