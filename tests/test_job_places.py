import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.job_places import number_places, place_records, spread_places
from policycheck.long_tables import Table, write_pieces

ACCOUNT, OTHER = "111122223333", "444455556666"
VAULT = f"arn:aws:backup:eu-west-1:{ACCOUNT}:backup-vault:daily"
VOLUME = f"arn:aws:ec2:eu-central-1:{OTHER}:volume/vol-1"
BUCKET = "arn:aws:s3:::invoices"
NAMES = "AccountId", "BackupVaultArn", "ResourceArn"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((OTHER, VAULT, VOLUME), (OTHER, "eu-west-1")),
        ((None, VAULT, VOLUME), (ACCOUNT, "eu-west-1")),
        ((None, None, VOLUME), (OTHER, "eu-central-1")),
        ((OTHER, None, BUCKET), (OTHER, None)),
        ((None, None, BUCKET), (None, None)),
        ((None, "daily", VOLUME), (OTHER, "eu-central-1")),
        ((None, None, None), (None, None)),
        (("1111-2222-3333", VAULT, VOLUME), (ACCOUNT, "eu-west-1")),
        (("12345678901", None, BUCKET), (None, None)),
        (("\uff11" * 12, None, None), (None, None)),
        ((f"{ACCOUNT} ", None, None), (None, None)),
        ((None, VAULT.replace("eu-west-1", "EU-WEST-1"), None), (ACCOUNT, None)),
        ((None, "a:b:c:d:e:f:g", VOLUME), (OTHER, "eu-central-1")),
    ],
)
def test_a_job_ran_where_its_account_its_vault_or_its_resource_says(
    said: tuple[str | None, str | None, str | None], expected: tuple[str | None, str | None]
) -> None:
    assert place_records([said]) == (expected,)


_RECORD = st.tuples(st.sampled_from([None, ACCOUNT, OTHER]), st.sampled_from([None, VAULT, "daily"]), st.sampled_from([None, VOLUME, BUCKET, "vol-1"]))


@given(st.lists(_RECORD, min_size=1, max_size=30))
def test_columns_say_the_same_places_as_records(said: list[tuple[str | None, str | None, str | None]]) -> None:
    rows = pl.DataFrame(said, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    expected = list(place_records(said))
    tables: list[Table] = [rows, write_pieces(iter([rows]))]
    for table in tables:
        places, numbers = number_places(table, *NAMES)
        accounts, regions = spread_places(places, numbers, table)
        assert len(set(places)) == len(places)
        assert [places[number] for number in numbers] == expected
        assert list(zip(accounts.to_list(), regions.to_list(), strict=True)) == expected
