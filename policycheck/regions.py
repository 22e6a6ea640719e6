"""AWS Regions: their codes, and what people call them.

The table is what botocore's endpoints.json says (`regions.*.description` of every partition; a test compares them): botocore takes long to import, and a
run on saved files does without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "af-south-1": "Africa (Cape Town)",
        "ap-east-1": "Asia Pacific (Hong Kong)",
        "ap-east-2": "Asia Pacific (Taipei)",
        "ap-northeast-1": "Asia Pacific (Tokyo)",
        "ap-northeast-2": "Asia Pacific (Seoul)",
        "ap-northeast-3": "Asia Pacific (Osaka)",
        "ap-south-1": "Asia Pacific (Mumbai)",
        "ap-south-2": "Asia Pacific (Hyderabad)",
        "ap-southeast-1": "Asia Pacific (Singapore)",
        "ap-southeast-2": "Asia Pacific (Sydney)",
        "ap-southeast-3": "Asia Pacific (Jakarta)",
        "ap-southeast-4": "Asia Pacific (Melbourne)",
        "ap-southeast-5": "Asia Pacific (Malaysia)",
        "ap-southeast-6": "Asia Pacific (New Zealand)",
        "ap-southeast-7": "Asia Pacific (Thailand)",
        "ca-central-1": "Canada (Central)",
        "ca-west-1": "Canada West (Calgary)",
        "eu-central-1": "Europe (Frankfurt)",
        "eu-central-2": "Europe (Zurich)",
        "eu-north-1": "Europe (Stockholm)",
        "eu-south-1": "Europe (Milan)",
        "eu-south-2": "Europe (Spain)",
        "eu-west-1": "Europe (Ireland)",
        "eu-west-2": "Europe (London)",
        "eu-west-3": "Europe (Paris)",
        "il-central-1": "Israel (Tel Aviv)",
        "me-central-1": "Middle East (UAE)",
        "me-south-1": "Middle East (Bahrain)",
        "mx-central-1": "Mexico (Central)",
        "sa-east-1": "South America (Sao Paulo)",
        "us-east-1": "US East (N. Virginia)",
        "us-east-2": "US East (Ohio)",
        "us-west-1": "US West (N. California)",
        "us-west-2": "US West (Oregon)",
        "cn-north-1": "China (Beijing)",
        "cn-northwest-1": "China (Ningxia)",
        "us-gov-east-1": "AWS GovCloud (US-East)",
        "us-gov-west-1": "AWS GovCloud (US-West)",
        "us-iso-east-1": "US ISO East",
        "us-iso-west-1": "US ISO WEST",
        "us-isob-east-1": "US ISOB East (Ohio)",
        "us-isob-west-1": "US ISOB West",
        "eu-isoe-west-1": "EU ISOE West",
        "us-isof-east-1": "US ISOF EAST",
        "us-isof-south-1": "US ISOF SOUTH",
        "eusc-de-east-1": "AWS European Sovereign Cloud (Germany)",
    }
)
"""The name by the code."""
_CODE = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2}", re.ASCII)


def find_region(text: str) -> str | None:
    """The code of the Region that a person means: `eu-west-1`, `EU West 1`, `Europe (Ireland)`, `EU (Ireland)` or `Ireland`; None where that is not clear.

    What is spelled as AWS spells codes is one, known or not: new Regions come without a new release of policycheck.
    """
    spelled = re.sub(r"[\s_-]+", "-", text.strip().lower())
    return _by_letters().get(_letters(text)) or (spelled if _CODE.fullmatch(spelled) else None)


@cache
def _by_letters() -> Mapping[str, str]:
    """The code by every way to write a Region, by its letters and digits alone. What could be two Regions is neither."""
    found: dict[str, set[str]] = {}
    for code, name in REGIONS.items():
        for way in filter(None, map(_letters, _ways(code, name))):
            found.setdefault(way, set()).add(code)
    return {way: min(codes) for way, codes in found.items() if len(codes) == 1}


def _ways(code: str, name: str) -> set[str]:
    """How people write a Region: by its code, its name, and the place in the name's brackets, also with what older names said."""
    area, _, place = name.rstrip(")").partition(" (")
    ways = {code, name, name.removeprefix("AWS "), f"{code} {name}", f"{name} {code}"}
    if not place or "ISO" in name or "-" in place:
        # Their brackets hold no place, or one of another Region.
        return ways
    ways |= {place, f"{code} {place}", f"{place} {code}"}
    if area == "Europe":
        ways |= {f"EU ({place})"}
    if place.startswith("N. "):
        state = place.removeprefix("N. ")
        ways |= {state, f"North {state}", f"Northern {state}", f"{area} ({state})", f"{area} (North {state})", f"{area} (Northern {state})"}
    return ways


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.replace("ã", "a")).lower()
