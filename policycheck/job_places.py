"""Where jobs ran, by what their records say: the account, else the vault's ARN, else the resource's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from policycheck import row_keys
from policycheck.long_tables import PIECE, LongColumn, LongTable, Table, write_pieces
from policycheck.places import Place, arn_place, as_account

if TYPE_CHECKING:
    import polars as pl


def place_records(said: Iterable[tuple[str | None, str | None, str | None]]) -> Sequence[Place]:
    """The place of each record.

    Args:
        said: of each record AccountId, the vault's ARN and the resource's; None where missing.
    """
    known: dict[tuple[str | None, str | None], Place] = {}
    places = []
    for account, vault, resource in said:
        # Few vaults hold all jobs, so that most records cost one look-up; the resource is asked only where account and vault leave something open.
        place = known.get((account, vault))
        if place is None:
            place = known[account, vault] = _place(account, vault)
        places.append(_place(account, vault, resource) if None in place else place)
    return tuple(places)


def number_places(table: Table, account: str, vault: str, resource: str) -> tuple[Sequence[Place], pl.Series]:
    """The places of a table's rows, each once; and the number of each row's.

    Args:
        account: the column that says it; so for the vault's ARN and the resource's.
    """
    import polars as pl

    said = row_keys.distinct(table.lazy().select(account, vault), len(table))
    places: Sequence[Place] = [_place(*row) for row in said.rows()]
    if any(None in place for place in places):
        said = row_keys.distinct(table.lazy().select(account, vault, resource), len(table))
        places = place_records(said.rows())
    numbers: dict[Place, int] = {}
    number = pl.Series("_place", [numbers.setdefault(place, len(numbers)) for place in places], pl.UInt32)
    return tuple(numbers), row_keys.number(table, said.with_columns(number), "_place")


def spread_places(places: Sequence[Place], numbers: Sequence[int] | pl.Series, table: Table) -> tuple[pl.Series | LongColumn, pl.Series | LongColumn]:
    """The account and the Region of each row of a table, from `number_places`."""
    import polars as pl

    told = pl.DataFrame(places, schema={"account": pl.String, "region": pl.String}, orient="row")
    if isinstance(table, LongTable):
        written = write_pieces(told[numbers[start : start + PIECE]] for start in range(0, len(table), PIECE))
        return written.column("account"), written.column("region")
    return told["account"].gather(numbers), told["region"].gather(numbers)


@lru_cache(maxsize=100_000)
def _place(account: str | None, *arns: str | None) -> Place:
    said = [(as_account(account), None), *map(arn_place, arns)]
    return next((account for account, _ in said if account), None), next((region for _, region in said if region), None)
