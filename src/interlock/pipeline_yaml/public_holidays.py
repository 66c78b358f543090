"""Public holidays of a country, a region or an exchange, by the package `holidays`: is this a code, and which days?

Where a human waits: config-sync computes them into calendar rows, which is all that the hot functions read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from interlock.pipeline_yaml.mistake import closest, shown

_MOST_SHOWN = 8


class HolidaysUnknown(ValueError):
    """A code that is none, with what is known instead."""


def check_holidays(code: str) -> str:
    """`code` itself, such as US, US-NY or XNYS. Raises `HolidaysUnknown`."""
    # 50 ms of import that only pipelines with holidays should pay.
    from holidays import list_supported_countries, list_supported_financial

    country, _, region = code.partition("-")
    if len(country) == 4:
        exchanges = [name for name in list_supported_financial() if len(name) == 4]
        _refuse_unknown(code, "an exchange", exchanges, "write its ISO 10383 code, such as XNYS or XLON")
        return code
    countries = list_supported_countries()
    codes = [name for name in countries if len(name) == 2]
    _refuse_unknown(country, "a country", codes, "write its ISO 3166 code, such as US or DE")
    if region:
        regions = [f"{country}-{name}" for name in countries[country] if re.fullmatch("[A-Z0-9]{1,3}", name)]
        some = f"there are {', '.join(regions[:_MOST_SHOWN])}{' …' if len(regions) > _MOST_SHOWN else ''}"
        _refuse_unknown(code, "a region", regions, some if regions else f"write {country} alone")
    return code


def _refuse_unknown(code: str, what: str, known: Iterable[str], otherwise: str) -> None:
    if code not in known:
        meant = closest(code, known)
        hint = f"did you mean {meant}?" if meant else otherwise
        raise HolidaysUnknown(f"{shown(code)} is not {what} whose holidays are known; {hint}")


def holiday_dates(code: str, years: Iterable[int]) -> frozenset[date]:
    """The days of these years, observed ones (the Monday after a Sunday) included. Raises `HolidaysUnknown`."""
    from holidays import country_holidays, financial_holidays

    country, _, region = check_holidays(code).partition("-")
    if len(country) == 4:
        return frozenset(financial_holidays(country, years=years))
    return frozenset(country_holidays(country, subdiv=region or None, years=years))


def holidays_edition() -> str:
    """Which release of the package speaks: governments change their minds, and releases follow."""
    from holidays.version import __version__

    return __version__
