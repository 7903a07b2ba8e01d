"""Numbers as feeds write them: ``15.00 USD``, ``12,50``, ``$12.50``, ``1.299,00 €``, ``1 299,00 kr``, ``CHF 1'299.-``.

Only ASCII digits count, and no exponents or underscores: ``1e5`` and ``1_000`` are names of something. So is a whole number with leading
zeros, such as ``0012345678905``. Where a separator could mean two things, this rule holds:

- a point alone is a decimal point; beside a currency or a dash for no cents, a point before exactly three digits separates thousands
  (``1.299 €``, ``1.299,-``), unless that currency has three decimals (``1.250 KWD``);
- a comma alone is a decimal comma, unless exactly three digits follow it: ``1,299`` is 1299. ``0,125`` is not, because it begins with 0.
"""

import re
import unicodedata
from typing import Final

_CODES: Final = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP"  # noqa: SIM905
    " CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD"
    " JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD"
    " NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP"
    " SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL".split()
)
"""ISO 4217."""

_WORDS: Final = frozenset(
    "kr kr. zł zl kč kc ft fr fr. sfr sfr. rs rs. rm rp tl lei лв лв. руб руб. р. euro euros eur usd gbp chf 円 元 원".split()  # noqa: SIM905
)
"""Currencies that are written as words, in small letters."""

_THREE_DECIMALS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})

_SPACES: Final = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "\N{THIN SPACE}": " ", "−": "-", "’": "'"})
_NAME = r"(?:(?:kr|s?fr|rs|руб|р)\.|[^\d.,'+-]*)"
_PARTS = re.compile(
    rf"(?P<before>{_NAME})(?P<sign>[+-]?)(?P<between>{_NAME})"
    r"(?P<amount>(?:\d[\d.,' ]*)?\d|[.,]\d+)(?:(?P<end>[.,:][-–—]+)|[.,])?(?P<after>\D*)",
    re.ASCII | re.IGNORECASE,
)
_GROUPED = re.compile(
    r"(?P<whole>\d{1,3}(?:(?P<comma>,)(?:\d{2,3},)*\d{3}|(?P<other>[. '])\d{3}(?:(?P=other)\d{3})*))"
    r"(?:(?(comma)\.|(?!(?P=other))[.,])(?P<part>\d+))?"
)
_LONE = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_CODE = re.compile(r"0\d+")
_MAX_LENGTH = 60


def parse(text: str) -> float | None:
    """The number that a text is, with or without a currency; None if it is something else."""
    found = _PARTS.fullmatch(text.translate(_SPACES).strip()) if len(text) <= _MAX_LENGTH else None
    if found is None:
        return None
    currencies = [name for part in ("before", "between", "after") if (name := found[part].strip())]
    if not all(map(_is_currency, currencies)):
        return None
    number = _decimal(found["amount"], [*currencies, *filter(None, [found["end"]])])
    return None if number is None else float(found["sign"] + number)


def _decimal(amount: str, currencies: list[str]) -> str | None:
    """The number in Python's form."""
    if _LONE.fullmatch(amount):
        is_thousands = "," in amount or (currencies and _THREE_DECIMALS.isdisjoint(currencies))
        return amount.replace(",", "").replace(".", "") if is_thousands else amount
    if re.fullmatch(r"\d*[.,]?\d+", amount):
        return None if _CODE.fullmatch(amount) and not currencies else amount.replace(",", ".")
    grouped = _GROUPED.fullmatch(amount)
    return f"{re.sub(r'[^0-9]', '', grouped['whole'])}.{grouped['part'] or 0}" if grouped else None


def _is_currency(name: str) -> bool:
    """A code, a word, or a sign with at most two letters before it (``US$``)."""
    if name in _CODES or name.lower() in _WORDS:
        return True
    return unicodedata.category(name[-1]) == "Sc" and len(name) <= 3 and (len(name) == 1 or name[:-1].isalpha())
