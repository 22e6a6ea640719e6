"""Archives of any size, as nightly fetches leave them: one backup a day of each resource, made in columns, written by the product's own writer.

One job in `failed` FAILED. One in fifty of those of earlier days was seen RUNNING first, so that the archive holds two rows of it. All had ended by `AS_OF`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl

from benchmarks.jobs import AS_OF
from benchmarks.scale.shapes import Shape
from policycheck.datasets import BACKUP_JOBS
from policycheck.sources.archive.checksums import note_files
from policycheck.sources.archive.fetches import FetchRow, as_frame
from policycheck.sources.archive.schema import DAY, DIGEST, ENDED_BY, FETCH, OBSERVED, RECORD, REGION, job_columns
from policycheck.sources.archive.tables import FETCHES, Archive

_REGIONS = ("eu-west-1", "us-east-1", "us-west-2", "eu-central-1", "ap-southeast-2")
_TYPES = ("EC2", "EBS", "RDS", "S3")
_ACCOUNT = 200_000_000_000
_SEEN_RUNNING = 50
_ROWS_AT_ONCE = 200_000
_ANSWER_BEFORE = timedelta(minutes=1)
"""How long before six in the morning AWS answers each night."""


def write_archive(folder: Path, shape: Shape) -> None:
    """Write an archive of about this many jobs; the same shape gives the same rows."""
    archive = Archive(str(folder))
    archive.create(FETCHES)
    days_at_once = max(1, _ROWS_AT_ONCE // shape.resources)
    version = 0
    for first in range(0, shape.days, days_at_once):
        days = range(first, min(first + days_at_once, shape.days))
        version = archive.append(BACKUP_JOBS.name, job_rows(shape, days))
    note_files(archive, [BACKUP_JOBS.name])
    archive.append(FETCHES, as_frame(list(_fetches(shape, version))))


def job_rows(shape: Shape, days: Sequence[int]) -> pl.DataFrame:
    """The rows of the jobs of some days, counted back from `AS_OF`, as the table of backup jobs has them."""
    jobs = pl.DataFrame({"day": pl.Series(days, dtype=pl.Int64)}).join(pl.DataFrame({"resource": pl.int_range(shape.resources, eager=True)}), how="cross")
    jobs = _with_members(jobs, shape, days[0] if days else 0)
    early = jobs.filter((pl.col("day") > 0) & ((pl.col("resource") + pl.col("day")) % _SEEN_RUNNING == 0) & (pl.col("State") == "COMPLETED"))
    told = pl.concat([_observed(jobs, early=False), _observed(early, early=True)])
    record = pl.struct(pl.col(name) for name in _RECORDED).struct.json_encode()
    # AWS leaves out what it has no value for.
    told = told.with_columns(record.str.replace_all(_NULL_MEMBER, "").alias(RECORD))
    digests = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in told[RECORD]]
    told = told.with_columns(pl.Series(DIGEST, digests, pl.Binary), *(pl.from_epoch(name, "s").cast(_MOMENT) for name in (*_TIMES, ENDED_BY, OBSERVED)))
    told = told.with_columns(pl.col("CreationDate").dt.date().alias(DAY))
    missing = [pl.lit(None, kind).alias(name) for name, kind in job_columns(BACKUP_JOBS).items() if name not in told.columns]
    columns = job_columns(BACKUP_JOBS)
    made = told.with_columns(missing).with_columns(pl.col(name).cast(kind) for name, kind in columns.items() if not isinstance(kind, pl.Struct))
    made = made.with_columns(_struct(name, columns[name]) for name in told.columns if isinstance(columns.get(name), pl.Struct))
    return made.select(*columns).sort(REGION, DAY, "AccountId", "CreationDate", OBSERVED, maintain_order=True)


_MOMENT = pl.Datetime("us", "UTC")
_TIMES = ("CreationDate", "CompletionDate", "InitiationDate", "StartBy", "ExpectedCompletionDate")
_RECORDED = (
    "AccountId BackupJobId BackupVaultName BackupVaultArn RecoveryPointArn ResourceArn CreationDate CompletionDate State StatusMessage PercentDone "
    "BackupSizeInBytes IamRoleArn CreatedBy ExpectedCompletionDate StartBy ResourceType IsParent ResourceName InitiationDate MessageCategory IsEncrypted "
    "VaultType"
).split()
_PLAN_MEMBERS = ("BackupPlanId", "BackupPlanArn", "BackupPlanVersion", "BackupRuleId")
_NULL_MEMBER = r',"[A-Za-z]+":null'
_PLAN = "9b4f1c52-7a30-4c0e-8f5d-2e6b7a1d3c4f"


def _with_members(jobs: pl.DataFrame, shape: Shape, seed: int) -> pl.DataFrame:
    """The members of each job, times in seconds."""
    now, day, resource = int(AS_OF.timestamp()), pl.col("day"), pl.col("resource")
    account = resource % shape.accounts
    region = (resource // shape.accounts) % shape.regions
    regions = pl.Series(_REGIONS[: shape.regions])
    created = now - day * 86_400 - 3 * 3600 - resource % 3600
    failed = (resource * 7919 + day * 104_729) % shape.failed == 0
    text = pl.String
    jobs = jobs.with_columns(
        (account + _ACCOUNT).cast(text).alias("AccountId"),
        pl.lit(regions).gather(region).alias(REGION) if shape.regions > 1 else pl.lit(_REGIONS[0]).alias(REGION),
        pl.Series("BackupJobId", _ids(len(jobs), seed)),
        created.alias("CreationDate"),
        (created + 3600 + resource % 1800).alias("CompletionDate"),
        (created + 300).alias("InitiationDate"),
        (created + 8 * 3600).alias("StartBy"),
        (created + 24 * 3600).alias("ExpectedCompletionDate"),
        pl.when(failed).then(pl.lit("FAILED")).otherwise(pl.lit("COMPLETED")).alias("State"),
        pl.when(failed).then(pl.lit("AccessDenied")).otherwise(pl.lit("SUCCESS")).alias("MessageCategory"),
        pl.when(failed).then(pl.lit("Access denied")).alias("StatusMessage"),
        pl.lit("prod").alias("BackupVaultName"),
        pl.lit("100.0").alias("PercentDone"),
        (1_000_000_000 + resource * 4096 + day * 512).alias("BackupSizeInBytes"),
        pl.lit(pl.Series(_TYPES)).gather((resource // (shape.accounts * shape.regions)) % len(_TYPES)).alias("ResourceType"),
        pl.lit(False).alias("IsParent"),
        pl.lit(True).alias("IsEncrypted"),
        pl.lit("BACKUP_VAULT").alias("VaultType"),
        pl.format("host-{}", resource).alias("ResourceName"),
    )
    place = pl.col(REGION), pl.col("AccountId")
    number = resource.cast(text).str.zfill(17)
    return jobs.with_columns(
        pl.format("arn:aws:backup:{}:{}:backup-vault:prod", *place).alias("BackupVaultArn"),
        pl.format("arn:aws:ec2:{}:{}:instance/i-{}", *place, number).alias("ResourceArn"),
        pl.when(pl.col("State") == "COMPLETED")
        .then(pl.format("arn:aws:ec2:{}::snapshot/snap-0{}", pl.col(REGION), pl.col("BackupJobId").str.slice(0, 8) + pl.col("BackupJobId").str.slice(28, 8)))
        .alias("RecoveryPointArn"),
        pl.format("arn:aws:iam::{}:role/service-role/AWSBackupDefaultServiceRole", pl.col("AccountId")).alias("IamRoleArn"),
        pl.struct(
            pl.lit(_PLAN).alias("BackupPlanId"),
            pl.format("arn:aws:backup:{}:{}:backup-plan:" + _PLAN, *place).alias("BackupPlanArn"),
            pl.lit("MDkyYjQ1").alias("BackupPlanVersion"),
            pl.lit("1f0e7c86-5d3b-4a2e-9c8d-7b6a5f4e3d2c").alias("BackupRuleId"),
        ).alias("CreatedBy"),
    )


def _ids(number: int, seed: int) -> list[str]:
    """Ids like AWS's, which do not compress."""
    digits = Random(seed).randbytes(16 * number).hex()
    parts = (digits[start : start + 32] for start in range(0, 32 * number, 32))
    return [f"{part[:8]}-{part[8:12]}-4{part[13:16]}-a{part[17:20]}-{part[20:]}" for part in parts]


def _observed(jobs: pl.DataFrame, *, early: bool) -> pl.DataFrame:
    """The jobs as the fetch of their night saw them; those that it saw RUNNING were seen again, ended, by that of the next."""
    now = int((AS_OF - _ANSWER_BEFORE).timestamp())
    again = (pl.col("day") > 0) & ((pl.col("resource") + pl.col("day")) % _SEEN_RUNNING == 0)
    night = pl.col("day") if early else pl.when(again).then(pl.col("day") - 1).otherwise(pl.col("day"))
    seen = jobs.with_columns((now - night * 86_400).alias(OBSERVED), _fetch_id(night).alias(FETCH), pl.col("CompletionDate").alias(ENDED_BY))
    # A job that is seen again ended after the first night's fetch.
    later = pl.col("CreationDate") + 6 * 3600
    if not early:
        return seen.with_columns(
            pl.when(again & (pl.col("State") == "COMPLETED")).then(later).otherwise(name).alias(name) for name in ("CompletionDate", ENDED_BY)
        )
    nothing = pl.lit(None, pl.Int64)
    return seen.with_columns(
        pl.lit("RUNNING").alias("State"),
        pl.lit("10.0").alias("PercentDone"),
        *(pl.lit(None, pl.String).alias(name) for name in ("MessageCategory", "RecoveryPointArn")),
        *(nothing.alias(name) for name in ("CompletionDate", ENDED_BY, "BackupSizeInBytes")),
    )


def _fetch_id(night: pl.Expr) -> pl.Expr:
    return pl.format("00000000-0000-4000-8000-{}", night.cast(pl.String).str.zfill(12))


def _struct(name: str, kind: pl.Struct) -> pl.Expr:
    known = frozenset(_PLAN_MEMBERS)
    parts = [(pl.col(name).struct.field(part.name) if part.name in known else pl.lit(None)).cast(part.dtype).alias(part.name) for part in kind.fields]
    return pl.struct(parts).alias(name)


def _fetches(shape: Shape, version: int) -> Iterator[FetchRow]:
    """A row for each account and Region, each night."""
    a_list = shape.resources // (shape.accounts * shape.regions)
    for night in range(shape.days - 1, -1, -1):
        started = AS_OF - timedelta(days=night) - _ANSWER_BEFORE
        for region in _REGIONS[: shape.regions]:
            for account in range(min(shape.accounts, shape.resources)):
                yield _fetch(night, started, region, str(_ACCOUNT + account), a_list, version, first=night == shape.days - 1)


def _fetch(night: int, started: datetime, region: str, account: str, jobs: int, version: int, *, first: bool) -> FetchRow:
    before = started - timedelta(days=30 if first else 1)
    return FetchRow(
        fetch=f"00000000-0000-4000-8000-{night:012}",
        dataset=BACKUP_JOBS.name,
        account=account,
        region=region,
        asker=f"{_ACCOUNT} *",
        caller=f"arn:aws:iam::{_ACCOUNT}:role/audit",
        source=BACKUP_JOBS.operation,
        parameters=json.dumps({"ByAccountId": "*", "MaxResults": 1000}),
        covers_from=before,
        covers_to=started,
        complete=True,
        error="",
        started=started,
        answered=started,
        finished=started,
        open_since=started - timedelta(hours=4),
        listed_open_since=started - timedelta(hours=4),
        pages=1,
        jobs=jobs,
        added=0,
        table_version=version,
        page_digests=hashlib.sha256(f"{night} {region}".encode()).hexdigest(),
        tool="policycheck",
    )


def main(folder: str, *shape: str) -> None:
    """Write an archive; the arguments are its folder and the numbers of its shape, in their order."""
    write_archive(Path(folder), Shape(*map(int, shape)))


if __name__ == "__main__":
    main(*sys.argv[1:])
