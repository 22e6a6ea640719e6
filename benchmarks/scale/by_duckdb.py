"""The twenty questions of `month-rules.yaml` as somebody would write them in SQL for one archive that he knows: DuckDB alone, no policycheck.

by_duckdb.py ARCHIVE AS_OF DAYS      prints how many findings each question has, as JSON

DAYS is how far back the longest window reaches (30 for `month-rules.yaml`, 364 for `year-rules.yaml`). It believes the files: no checksum is compared, no gap
looked for, nothing that is missing is told from what is unknown, and nobody learns which job, when, or why. A test compares its answers with policycheck's.
"""

import json
import sys
from datetime import datetime, timedelta

import duckdb

_JOBS = """
CREATE TEMP TABLE jobs AS
SELECT AccountId, BackupVaultName, ResourceArn, ResourceType, CreationDate, CompletionDate, State, MessageCategory, IamRoleArn, IsEncrypted, Region
FROM (
    SELECT *, row_number() OVER (PARTITION BY BackupJobId ORDER BY EndedBy IS NULL, CompletionDate DESC, Observed DESC) AS place
    FROM read_parquet($files, hive_partitioning = true)
    WHERE Day >= $first_day AND CreationDate <= $as_of
)
WHERE place = 1 AND (CompletionDate >= $start OR CompletionDate IS NULL)
"""

_EACH = """
SELECT
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (State = 'FAILED' AND age <= INTERVAL 1 DAY) AS "failed-day",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (State = 'EXPIRED' AND ResourceType = 'EC2' AND age <= INTERVAL 7 DAY) AS "expired-ec2",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (NOT regexp_matches(IamRoleArn, 'AWSBackup[^/]*$')) AS "role",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (State = 'ABORTED' AND age <= INTERVAL 14 DAY) AS "aborted",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (State = 'FAILED' AND ResourceType = 'EC2' AND age <= INTERVAL 14 DAY) AS "failed-week",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (CompletionDate - CreationDate > INTERVAL 8 HOUR AND age <= INTERVAL 7 DAY) AS "long",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (NOT IsEncrypted AND age <= INTERVAL 7 DAY) AS "encrypted",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (BackupVaultName <> 'prod') AS "vault",
    count(DISTINCT (AccountId, Region, ResourceArn)) FILTER (State = 'PARTIAL' AND age <= INTERVAL 7 DAY) AS "partial"
FROM (SELECT *, CASE WHEN State IN ('CREATED', 'PENDING', 'RUNNING', 'ABORTING') THEN INTERVAL 0 DAY ELSE $as_of - CompletionDate END AS age FROM jobs)
"""

_GROUPS = """
WITH ordered AS (
    SELECT *, row_number() OVER w AS position, sum(CASE WHEN State IN ('FAILED', 'ABORTED') THEN 0 ELSE 1 END) OVER w AS streak,
           CASE WHEN State = 'COMPLETED' AND CreationDate >= $start THEN CreationDate END AS good
    FROM jobs WINDOW w AS (PARTITION BY AccountId, Region, ResourceArn ORDER BY CreationDate)
),
stepped AS (
    SELECT *, good - max(good) OVER (PARTITION BY AccountId, Region, ResourceArn ORDER BY CreationDate ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS step
    FROM ordered
),
streaks AS (
    SELECT AccountId, Region, ResourceArn, max(length) AS length
    FROM (
        SELECT AccountId, Region, ResourceArn, streak, count(*) FILTER (State IN ('FAILED', 'ABORTED')) AS length
        FROM ordered GROUP BY ALL
    ) GROUP BY ALL
),
groups AS (
    SELECT AccountId, Region, ResourceArn, arg_max(ResourceType, CreationDate) AS type,
        max(CreationDate) FILTER (State = 'COMPLETED' AND MessageCategory = 'SUCCESS') AS clean,
        max(CreationDate) FILTER (State = 'COMPLETED') AS completed,
        count(*) FILTER (State = 'COMPLETED') AS good,
        count(*) AS every,
        min(CreationDate) AS first,
        max(step) AS step, min(good) AS earliest, max(good) AS newest,
        arg_max(State, CompletionDate) AS last
    FROM stepped GROUP BY ALL
)
SELECT
    count(*) FILTER (coalesce(clean < $as_of - INTERVAL 26 HOUR, true)) AS "clean-day",
    count(*) FILTER (coalesce(completed < $as_of - INTERVAL 26 HOUR, true) AND type = 'EC2') AS "ec2-day",
    count(*) FILTER (good / every < 0.95) AS "share",
    count(*) FILTER (good < 20 AND NOT (first > $start AND good = every)) AS "count",
    count(*) FILTER (greatest(step, earliest - CASE WHEN first > $start THEN first ELSE $start END, $as_of - newest) > INTERVAL 30 HOUR) AS "gap",
    count(*) FILTER (length > 2) AS "streak",
    count(*) FILTER (last <> 'COMPLETED') AS "latest",
    count(*) FILTER (coalesce(clean < $as_of - INTERVAL 26 HOUR, true) AND type = 'RDS') AS "rds-day"
FROM groups JOIN streaks USING (AccountId, Region, ResourceArn)
"""

_OTHERS = {
    "places": "SELECT count(*) FROM (SELECT count(*) FILTER (State = 'COMPLETED' AND CompletionDate >= $as_of - INTERVAL 1 DAY) AS good FROM jobs "
    "GROUP BY AccountId, Region) WHERE good < 1",
    "types": "SELECT count(*) FROM (SELECT avg((State = 'COMPLETED' AND MessageCategory = 'SUCCESS')::INTEGER) AS share FROM jobs "
    "WHERE CompletionDate >= $as_of - INTERVAL 7 DAY GROUP BY ResourceType) WHERE share < 0.9",
    "vaults": "SELECT count(*) FROM (SELECT count(*) FILTER (State = 'FAILED' AND CompletionDate >= $as_of - INTERVAL 1 DAY) AS bad FROM jobs "
    "GROUP BY AccountId, Region, BackupVaultName) WHERE bad > 1000000",
}


def answer(archive: str, as_of: datetime, days: int) -> dict[str, int]:
    """The number of findings of each question."""
    start = as_of - timedelta(days=days)
    given = {"as_of": as_of, "start": start}
    with duckdb.connect() as database:
        files = f"{archive}/backup_jobs/**/*.parquet"
        database.execute(_JOBS, {"files": files, "first_day": (start - timedelta(days=1)).date(), **given})
        found: dict[str, int] = {}
        for query in (_EACH, _GROUPS):
            asked = database.execute(query, {name: value for name, value in given.items() if f"${name}" in query})
            row = asked.fetchone()
            assert row is not None
            found |= dict(zip((column[0] for column in asked.description), row, strict=True))
        for name, query in _OTHERS.items():
            row = database.execute(query, {"as_of": as_of} if "$as_of" in query else None).fetchone()
            assert row is not None
            found[name] = row[0]
    return found


if __name__ == "__main__":
    json.dump(answer(sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])), sys.stdout)
