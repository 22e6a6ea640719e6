"""What people type of jobs beside those before them: sizes that change, and durations that are not usual."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.pattern import COMPARED, Pattern, row

_DROP = "{{order-}}no {{job|clean}} may be {} {{share!}} smaller than the one before {{within}}"
_GROWTH = "{{order-}}no {{job|clean}} may be {} {{share!}} larger than the one before {{within}}"
_SLOW = "{{order-}}no {{job}} may take {} {{factor!}} the usual duration {{within}}"
_MORE, _LEAST = "more than", "at least"
_OF_NEXT = " {within}"
"""Of what shrinks, a window alone does not say from when: from one job to the next, or over that time."""
_SIZES = "(SIZES | SIZES OF jobs)"

COMPARISONS: Sequence[Pattern] = (
    row(
        COMPARED,
        "NO jobs MAY BE MORE share LESS_BY PREVIOUS",
        _DROP.format(_MORE),
        of=["no successful backup may be more than 50% smaller than the previous one", "no RDS backup may be over 30% smaller than the one before this week"],
    ),
    row(COMPARED, "NO jobs MAY BE LEAST share LESS_BY PREVIOUS", _DROP.format(_LEAST), of=["no backup may be at least 50% smaller than the previous backup"]),
    row(
        COMPARED,
        "EACH? jobs NEVER BE MORE share LESS_BY PREVIOUS",
        _DROP.format(_MORE),
        of=["backups must not be more than 50% smaller than the previous one"],
    ),
    row(
        COMPARED,
        f"((EACH? jobs | {_SIZES}) NEVER | NO jobs MAY) SHRINK MORE share COMPARED_TO PREVIOUS",
        _DROP.format(_MORE),
        of=["backup size must not drop by more than 50% compared to the previous backup"],
    ),
    row(
        COMPARED,
        f"((EACH? jobs | {_SIZES}) NEVER | NO jobs MAY) SHRINK MORE share",
        _DROP.format(_MORE).removesuffix(_OF_NEXT),
        of=["backups must not shrink by more than 50%", "no EC2 backup may shrink by more than 20 percent"],
    ),
    row(
        COMPARED,
        "NO jobs MAY BE MORE share MORE_BY PREVIOUS",
        _GROWTH.format(_MORE),
        of=["no backup may be more than 300% larger than the previous one"],
    ),
    row(
        COMPARED,
        "EACH? jobs NEVER BE MORE share MORE_BY PREVIOUS",
        _GROWTH.format(_MORE),
        of=["backups must not be more than 50% bigger than the backup before"],
    ),
    row(
        COMPARED,
        f"((EACH? jobs | {_SIZES}) NEVER | NO jobs MAY) GROW MORE share COMPARED_TO PREVIOUS",
        _GROWTH.format(_MORE),
        of=["the size of backups must not increase by more than 200% compared to the one before"],
    ),
    row(
        COMPARED,
        f"((EACH? jobs | {_SIZES}) NEVER | NO jobs MAY) GROW MORE share",
        _GROWTH.format(_MORE).removesuffix(_OF_NEXT),
        of=["backups must not grow by more than 100%", "no S3 backup may grow by more than 50%"],
    ),
    row(
        COMPARED,
        "NO jobs MAY TAKE (MORE | LONGER) factor USUAL",
        _SLOW.format(_MORE),
        of=[
            "no backup may take more than twice as long as usual",
            "no RDS backup may take longer than 2x the usual time this week",
            "no job may run more than 3 times the normal duration",
        ],
    ),
    row(COMPARED, "NO jobs MAY TAKE LEAST factor USUAL", _SLOW.format(_LEAST), of=["no backup may take at least twice as long as usual"]),
    row(
        COMPARED,
        "EACH? jobs NEVER TAKE (MORE | LONGER) factor USUAL",
        _SLOW.format(_MORE),
        of=["backups must not take more than 2 times as long as usual", "EC2 backups must never take more than 1.5x their usual duration"],
    ),
    row(
        COMPARED,
        "(LASTING | LASTING OF jobs) NEVER BE (MORE | LONGER) factor USUAL",
        _SLOW.format(_MORE),
        of=["backup duration must not be more than twice the usual", "the duration of RDS backups must never be more than 2x the usual duration"],
    ),
)
