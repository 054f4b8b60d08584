"""Currencies of ISO 4217 and how many decimals their amounts have."""

from functools import cache
from typing import Final

USUAL_DIGITS: Final = 2

_DIGITS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}

_IN_USE: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD "
    "FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS "
    "KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR "
    "SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "USN UYI UYU UYW UZS VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW "
    "ZWG ZWL "
)
_OF_HISTORIES: Final = (
    "ATS BEF BYR CYP DEM EEK ESP FIM FRF GRD IEP ITL LTL LUF LVL MRO MTL NLG PTE ROL SIT SKK STD TRL VEF ZMK"
)
"""Gone; what was paid in them may still be told."""

CURRENCIES: Final = dict.fromkeys((_IN_USE + _OF_HISTORIES).split(), USUAL_DIGITS) | {
    code: digits for digits, codes in _DIGITS.items() for code in codes.split()
}
"""Decimals by code."""


@cache
def minor_units(code: str) -> int:
    """What 1 of a currency is kept as: hundredths at least, so that a rate leaves little over in a yen.

    >>> minor_units("USD"), minor_units("JPY"), minor_units("KWD")
    (100, 100, 1000)
    """
    return int(10 ** max(USUAL_DIGITS, digits_of(code)))


def amount_of(minor: float, code: str) -> float:
    """An amount that is kept in minor units, with the decimals that its currency has.

    >>> amount_of(123_456, "USD"), amount_of(123_456, "JPY"), amount_of(123_456, "KWD")
    (1234.56, 1235.0, 123.456)
    """
    return round(minor / minor_units(code), digits_of(code))


@cache
def digits_of(code: str) -> int:
    """Decimals of amounts in a currency; two for one that is not known.

    >>> digits_of("JPY"), digits_of("EUR"), digits_of("KWD")
    (0, 2, 3)
    """
    return CURRENCIES.get(code, USUAL_DIGITS)
