"""The ways of taking something away, by name."""

from __future__ import annotations

from collections.abc import Mapping

from assurance.matrix.kinds.columns import KeptColumns, OneColumn, TwoColumns
from assurance.matrix.kinds.cuts import Cut
from assurance.matrix.kinds.lists import OneList, TwoLists
from assurance.matrix.kinds.mixed import Mixed
from assurance.matrix.kinds.pages import OnePage, TwoPages
from assurance.matrix.kinds.places import OnePlace, TwoPlaces
from assurance.matrix.kinds.records import OneRecord, TwoRecords
from assurance.matrix.kinds.values import OneValue, TwoValues
from assurance.matrix.variant import Kind

_KINDS: tuple[Kind, ...] = (
    OneRecord(),
    TwoRecords(),
    OneValue(),
    TwoValues(),
    OneColumn(),
    TwoColumns(),
    KeptColumns(),
    Mixed(),
    OnePlace(),
    TwoPlaces(),
    OneList(),
    TwoLists(),
    OnePage(),
    TwoPages(),
    Cut(),
    Cut("cut YAML file", unclosed=True),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
