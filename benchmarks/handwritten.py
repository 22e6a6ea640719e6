"""The twenty questions of `estate-rules.yaml` as somebody would write them for one list that he knows: msgspec and Polars, no policycheck.

handwritten.py JOBS AS_OF      prints how many findings each question has, as JSON

It believes the file: nothing is checked, nothing that is missing is told from what is unknown, and nobody learns which job, when, or why. Where a list
is whole its answers are those of policycheck, which a test compares.
"""

import json
import sys
from datetime import datetime, timedelta

import msgspec
import polars as pl
from polars import col


class Job(msgspec.Struct, gc=False):
    AccountId: str | None = None
    BackupVaultArn: str | None = None
    ResourceArn: str | None = None
    ResourceType: str | None = None
    CreationDate: str | None = None
    CompletionDate: str | None = None
    State: str | None = None
    MessageCategory: str | None = None
    IamRoleArn: str | None = None
    IsEncrypted: bool | None = None


class Answer(msgspec.Struct):
    BackupJobs: list[Job]


def read(path: str) -> pl.LazyFrame:
    """The list as a frame."""
    with open(path, "rb") as stream:  # noqa: PTH123  (one import less)
        jobs = msgspec.json.decode(stream.read(), type=Answer).BackupJobs
    frame = pl.DataFrame({name: [getattr(job, name) for job in jobs] for name in Job.__struct_fields__})
    times = [col(name).str.to_datetime(time_zone="UTC") for name in ("CreationDate", "CompletionDate")]
    vault = col("BackupVaultArn").str.split_exact(":", 6).struct
    return frame.with_columns(*times, vault.field("field_3").alias("Region"), vault.field("field_6").alias("Vault")).lazy()


def answer(jobs: pl.LazyFrame, as_of: datetime, longest: int = 30) -> dict[str, int]:
    """The number of findings of each question; the longest window has so many days."""
    created, ended, state, resource = col("CreationDate"), col("CompletionDate"), col("State"), ("AccountId", "Region", "ResourceArn")

    def within(days: float) -> pl.Expr:
        start = as_of - timedelta(days=days)
        return (created >= start) | (ended >= start) | state.is_in(["CREATED", "PENDING", "RUNNING", "ABORTING"])

    def resources(wrong: pl.Expr) -> pl.Expr:
        return pl.struct(*resource).filter(wrong).n_unique()

    completed, clean, day, month = state == "COMPLETED", (state == "COMPLETED") & (col("MessageCategory") == "SUCCESS"), within(1), within(longest)
    each = jobs.select(
        resources((state == "FAILED") & day).alias("failed-day"),
        resources((state == "EXPIRED") & (col("ResourceType") == "EC2") & within(7)).alias("expired-ec2"),
        resources(~col("IamRoleArn").str.contains(r"AWSBackup[^/]*$")).alias("role"),
        resources((state == "ABORTED") & within(14)).alias("aborted"),
        resources((state == "FAILED") & (col("ResourceType") == "EC2") & within(14)).alias("failed-week"),
        resources((ended - created > timedelta(hours=8)) & within(7)).alias("long"),
        resources(~col("IsEncrypted") & within(7)).alias("encrypted"),
        resources((col("Vault") != "prod") & month).alias("vault"),
        resources((state == "PARTIAL") & within(7)).alias("partial"),
    )
    start = as_of - timedelta(days=longest)
    good = created.filter(completed & month & (created >= start)).sort()
    run = (state.is_in(["FAILED", "ABORTED"]) & month).cast(pl.Int32)
    groups = jobs.sort("CreationDate").group_by(*resource, maintain_order=True).agg(
        col("ResourceType").last(),
        created.filter(clean).max().alias("clean"),
        created.filter(completed).max().alias("completed"),
        (completed & month).sum().alias("good"),
        month.sum().alias("all"),
        created.min().alias("first"),
        good.diff().max().alias("step"),
        good.first().alias("earliest"),
        good.last().alias("newest"),
        run.rle().struct.field("len").filter(run.rle().struct.field("value") == 1).max().alias("run"),
        state.filter(month).sort_by(ended.filter(month)).last().alias("last"),
    )  # fmt: skip
    late, limit = as_of - timedelta(hours=26), timedelta(hours=30)
    new = col("first") > start
    edge = pl.when(new).then(col("first")).otherwise(start)
    measured = groups.select(
        ((col("clean") < late).fill_null(True)).sum().alias("clean-day"),
        ((col("completed") < late).fill_null(True) & (col("ResourceType") == "EC2")).sum().alias("ec2-day"),
        (col("good") / col("all") < 0.95).sum().alias("share"),
        ((col("good") < 20) & ~(new & (col("good") == col("all")))).sum().alias("count"),
        (pl.max_horizontal("step", col("earliest") - edge, as_of - col("newest")) > limit).sum().alias("gap"),
        (col("run") > 2).sum().alias("streak"),
        (col("last") != "COMPLETED").sum().alias("latest"),
        ((col("clean") < late).fill_null(True) & (col("ResourceType") == "RDS")).sum().alias("rds-day"),
    )
    places = jobs.group_by("AccountId", "Region").agg((completed & day).sum().alias("good")).select((col("good") < 1).sum().alias("places"))
    decided = jobs.filter(within(7)).group_by("ResourceType").agg(clean.mean().alias("share")).select((col("share") < 0.9).sum().alias("types"))
    vaults = jobs.group_by("AccountId", "Region", "Vault").agg(((state == "FAILED") & day).sum().alias("bad"))
    frames = pl.collect_all([each, measured, places, decided, vaults.select((col("bad") > 1_000_000).sum().alias("vaults"))])
    return {name: int(value) for frame in frames for name, value in frame.row(0, named=True).items()}


if __name__ == "__main__":
    json.dump(answer(read(sys.argv[1]), datetime.fromisoformat(sys.argv[2])), sys.stdout)
