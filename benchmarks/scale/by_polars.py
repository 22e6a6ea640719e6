"""The same twenty questions of one archive, as somebody would write them with Polars: no policycheck.

by_polars.py ARCHIVE AS_OF DAYS      prints how many findings each question has, as JSON

The questions are those of `benchmarks/handwritten.py`, asked of the archive's Parquet files; it believes them as `by_duckdb.py` does.
"""

import json
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from polars import col

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.handwritten import answer


def read(archive: str, as_of: datetime, days: int) -> pl.LazyFrame:
    """The jobs that had not ended before the longest window, each once."""
    start = as_of - timedelta(days=days)
    seen = pl.scan_parquet(f"{archive}/backup_jobs/**/*.parquet", hive_partitioning=True)
    seen = seen.filter(col("Day").cast(pl.Date) >= (start - timedelta(days=1)).date(), col("CreationDate") <= as_of)
    best = seen.select(
        "BackupJobId", "AccountId", "Region", col("BackupVaultName").alias("Vault"), "ResourceArn", "ResourceType", "CreationDate", "CompletionDate", "State",
        "MessageCategory", "IamRoleArn", "IsEncrypted", col("EndedBy").is_not_null().alias("ended"), "Observed",
    )  # fmt: skip
    best = best.sort("ended", "CompletionDate", "Observed", descending=True, nulls_last=True).unique("BackupJobId", keep="first", maintain_order=True)
    return best.filter((col("CompletionDate") >= start) | col("CompletionDate").is_null()).drop("BackupJobId", "ended", "Observed").collect().lazy()


if __name__ == "__main__":
    moment = datetime.fromisoformat(sys.argv[2])
    json.dump(answer(read(sys.argv[1], moment, int(sys.argv[3])), moment, int(sys.argv[3])), sys.stdout)
