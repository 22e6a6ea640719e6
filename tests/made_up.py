"""policycheck with one more list of jobs, which differs from the others in every name: run as a program, it takes the place of `policycheck`.

The list is one row, put into the text of `datasets` before anything imports it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec

ROW = """
MADE_UP_JOBS = Dataset(
    name="made_up_jobs",
    noun="made-up job",
    operation="ListMadeUpJobs",
    result_key="MadeUpJobs",
    id_field="MadeUpJobId",
    state_field="Phase",
    resource_field="TargetArn",
    vault_field="HomeVaultArn",
    in_progress=frozenset({"QUEUED", "RUNNING"}),
    fields=table(
        (ALWAYS, Kind.ACCOUNT, "AccountId"),
        (ALWAYS, Kind.TEXT, "MadeUpJobId"),
        (ALWAYS, Kind.ARN, "TargetArn HomeVaultArn"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (WHEN_ENDED, Kind.TIME, "CompletionDate"),
        (ALWAYS, Kind.ENUM, "Phase"),
        (BY_MEANING, Kind.TEXT, "StatusMessage ParentJobId"),
        (SINCE, Kind.ENUM, "Mood"),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region"),
        (DERIVED, Kind.ARN, "ResourceArn"),
        (DERIVED, Kind.DURATION, "Duration Elapsed"),
        enums={"Phase": ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "WITHDRAWN"), "Mood": ("MERRY", "SULLEN")},
    ),
    bad_ends=("WITHDRAWN",),
)
"""
_TABLE = "DATASETS: Mapping[str, Dataset] = listed(BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, PROTECTED_RESOURCES, VAULTS, RECOVERY_POINTS)"


def add_list(row: str = ROW, name: str = "MADE_UP_JOBS") -> None:
    """Import `policycheck.datasets` with one more row; nothing of policycheck that reads lists has been imported yet."""
    spec = find_spec("policycheck.datasets")
    assert spec is not None and spec.origin is not None and spec.name not in sys.modules
    with open(spec.origin, encoding="utf-8") as stream:  # noqa: PTH123  (the program's own start)
        text = stream.read()
    assert text.count(_TABLE) == 1
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    exec(compile(text.replace(_TABLE, row + _TABLE.replace(")", f", {name})")), spec.origin, "exec"), module.__dict__)


def main() -> None:
    """Run policycheck with the arguments of this program: once for each group of them, set apart by `--`; the codes stand on standard error."""
    add_list()
    from policycheck.__main__ import main as run

    groups: list[list[str]] = [[]]
    for argument in sys.argv[1:]:
        groups[-1].append(argument) if argument != "--" else groups.append([])
    for group in groups:
        sys.argv[1:] = group
        try:
            code = run()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        print(f"exit {code}", file=sys.stderr)


if __name__ == "__main__":
    main()
