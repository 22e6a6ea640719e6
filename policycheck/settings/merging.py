"""What a run does: the options of the command line, and behind them what the run file says.

An option that is given on the command line replaces what the file says of it, a list as a whole; parameters are merged by name. A source named on the command
line replaces the file's source: the file's `as_of` and `covers` are claims about the file's lists, and its `longest_job` one about the jobs of its accounts;
they say nothing of others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.errors import UsageError
from policycheck.settings.options import CONNECTION, OPTIONS, SAVED_LISTS, SOURCE, RunOptions

if TYPE_CHECKING:
    from policycheck.errors import Diagnostic
    from policycheck.policy.model import Scope
    from policycheck.settings.runfile import RunFile

_CHOICES = ("select", "ignore", "framework")
"""What chooses rules: the place of each choice is kept."""
_REPLACED: Mapping[str, tuple[str, ...]] = {
    "jobs": SOURCE,
    **dict.fromkeys((*CONNECTION, "longest_job"), SAVED_LISTS),
    "profile": (*SAVED_LISTS, "longest_job"),
    "role_arn": (*SAVED_LISTS, "account_id", "accounts", "longest_job"),
    "accounts": (*SAVED_LISTS, "account_id", "role_arn", "longest_job"),
    "account_id": (*SAVED_LISTS, "role_arn", "accounts", "role_external_id", "role_session_name", "longest_job"),
}
"""What else of the file an option of the command line replaces."""


class Settings(RunOptions, frozen=True, kw_only=True):
    """What a command does: each option from the command line, the run file or its default, and what was made of them."""

    files: Sequence[tuple[Path, str]]
    """The policy files and what reports call them."""
    params: Mapping[str, str] = {}
    run_file: RunFile | None = None
    file_params: Mapping[str, Diagnostic] = {}
    """Parameters that the run file sets, and where."""
    file_choices: Mapping[str, Diagnostic] = {}
    """Rules and frameworks that the run file selects or ignores, and where."""
    foreign: bool = False
    """The policies are not those of the run file, so that they need not know all that it names."""

    @property
    def has_outputs_of_file(self) -> bool:
        """Whether the run file, and not the command line, says where reports are written."""
        return self.run_file is not None and self.output is not None and self.output is self.run_file.values.get("output")

    @property
    def declared_scope(self) -> Path | Scope | None:
        """The scope that replaces the policies' own: the command line's file of it, or what the run file says."""
        return self.scope or (self.run_file.scope if self.run_file else None)


def merge(options: RunOptions, given: Collection[str], run_file: RunFile | None, *, command: str, spare: Sequence[str] | None = ()) -> Settings:
    """The settings of a run.

    Args:
        options: those of the command line.
        given: which of them it names; the others have their defaults.
        run_file: the run file, if one is read.
        command: how to call the command, for a hint.
        spare: the policies where neither the command line nor the run file names any; None: none is needed.

    Raises:
        UsageError: no policy is named, or a parameter is not NAME=VALUE.
        RunFileError: the run file names policies that are not there.
    """
    params = parse_params(options.param or [])
    named = options.policies or ([] if run_file and run_file.policies else list(spare or ()))
    files = find_files(named, run_file, command) if named or spare is not None or (run_file and run_file.policies) else []
    values = {name: getattr(options, name) for name in OPTIONS}
    if run_file is None:
        return Settings(**values, files=files, params=params)
    replaced = {*given}.union(*(_REPLACED.get(name, ()) for name in given))
    values |= {name: value for name, value in run_file.values.items() if name not in replaced}
    of_file = {name: value for name, value in run_file.params.items() if name not in params}
    choices = {
        text: run_file.diagnose((OPTIONS[name].key, index), "")
        for name in _CHOICES
        if name not in given
        for index, text in enumerate(run_file.values.get(name, ()))
    }
    return Settings(
        **values,
        files=files,
        params={**of_file, **params},
        run_file=run_file,
        file_params={name: run_file.diagnose(("params", name), "") for name in of_file},
        file_choices=choices,
        foreign=bool(named),
    )


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, each name once; raises UsageError."""
    params: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise UsageError(f"--param {text}: a parameter is NAME=VALUE")
        if name in params:
            raise UsageError(f"--param {name} is given twice")
        params[name] = value
    return params


def find_files(named: Sequence[str], run_file: RunFile | None, command: str) -> list[tuple[Path, str]]:
    """The policy files: those named, or else those of the run file; raises UsageError where there are none."""
    from policycheck.policy.catalogue import RUN_FILE, find_policies

    if named:
        return find_policies(named)
    if run_file is None:
        raise UsageError("no policy is named", hint=f"{command} POLICY, or name the policies in {RUN_FILE}.")
    if not run_file.policies:
        raise UsageError("no policy is named, here or in the run file", place=run_file.name, hint="Add the key policies.")
    return run_file.find_policies()
