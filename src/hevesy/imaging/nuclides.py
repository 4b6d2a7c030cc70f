"""Half-lives of the radionuclides of a nuclear medicine department.

Half-lives are the ICRP Publication 107 values (Ann. ICRP 38(3), 2008), nuclear decay data for
dosimetric calculations. Other evaluations differ in the fourth digit (DDEP gives Tc-99m 6.0067 h
where ICRP-107 gives 6.015 h), so whoever stores an activity also stores the half-life it was
decayed with. For SUV the half-life of the image header is used, not this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

SOURCE: Final = "ICRP Publication 107 (2008)"

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86400.0
# ICRP-107 states long half-lives in Julian years.
_YEAR: Final = 365.25 * _DAY


@dataclass(frozen=True, slots=True)
class Nuclide:
    """One radionuclide.

    symbol: as written on labels, "F-18". half_life_s: physical half-life in seconds.
    half_life_text: the value as published, with its unit. sct_code: SNOMED CT code of DICOM
    CID 18 / CID 4020, empty where DICOM lists none. emission: what it is used for here:
    "positron", "single photon", "beta", "alpha", "parent" (generator) or "check source".
    """

    symbol: str
    half_life_s: float
    half_life_text: str
    name_en: str
    name_zh: str
    emission: str
    sct_code: str = ""
    source: str = SOURCE


class UnknownNuclide(LookupError):
    """The text names no radionuclide of the table."""


_ELEMENTS: Final = {
    "Ac": ("Actinium", "锕"),
    "Ba": ("Barium", "钡"),
    "C": ("Carbon", "碳"),
    "Co": ("Cobalt", "钴"),
    "Cs": ("Caesium", "铯"),
    "Cu": ("Copper", "铜"),
    "F": ("Fluorine", "氟"),
    "Ga": ("Gallium", "镓"),
    "Ge": ("Germanium", "锗"),
    "I": ("Iodine", "碘"),
    "In": ("Indium", "铟"),
    "Lu": ("Lutetium", "镥"),
    "Mo": ("Molybdenum", "钼"),
    "N": ("Nitrogen", "氮"),
    "O": ("Oxygen", "氧"),
    "P": ("Phosphorus", "磷"),
    "Ra": ("Radium", "镭"),
    "Rb": ("Rubidium", "铷"),
    "Re": ("Rhenium", "铼"),
    "Sm": ("Samarium", "钐"),
    "Sr": ("Strontium", "锶"),
    "Tb": ("Terbium", "铽"),
    "Tc": ("Technetium", "锝"),
    "Tl": ("Thallium", "铊"),
    "W": ("Tungsten", "钨"),
    "Xe": ("Xenon", "氙"),
    "Y": ("Yttrium", "钇"),
    "Zr": ("Zirconium", "锆"),
}
_ENGLISH_TO_SYMBOL: Final = {
    "cesium": "Cs",
    **{english.lower(): symbol for symbol, (english, _) in _ELEMENTS.items()},
}


def _row(symbol: str, value: float, unit: str, emission: str, sct_code: str = "") -> Nuclide:
    seconds = {"s": 1.0, "min": _MINUTE, "h": _HOUR, "d": _DAY, "y": _YEAR}[unit]
    element, mass = symbol.split("-")
    english, chinese = _ELEMENTS[element]
    return Nuclide(
        symbol=symbol,
        half_life_s=value * seconds,
        half_life_text=f"{value:g} {unit}",
        name_en=f"{english}-{mass}",
        name_zh=f"{chinese}-{mass}",
        emission=emission,
        sct_code=sct_code,
    )


NUCLIDES: Final = MappingProxyType(
    {
        row.symbol: row
        for row in (
            _row("F-18", 109.77, "min", "positron", "77004003"),
            _row("Ga-68", 67.71, "min", "positron", "35337001"),
            _row("C-11", 20.39, "min", "positron", "40565003"),
            _row("N-13", 9.965, "min", "positron", "21576001"),
            _row("O-15", 122.24, "s", "positron", "129504001"),
            _row("Rb-82", 1.273, "min", "positron", "79197006"),
            _row("Cu-64", 12.700, "h", "positron", "3932008"),
            _row("Zr-89", 78.41, "h", "positron", "63360001"),
            _row("I-124", 4.1760, "d", "positron", "40937006"),
            _row("Tc-99m", 6.015, "h", "single photon", "72454006"),
            _row("I-123", 13.27, "h", "single photon", "21572004"),
            _row("I-125", 59.400, "d", "single photon", "68630002"),
            _row("Tl-201", 72.912, "h", "single photon", "60057003"),
            _row("In-111", 2.8047, "d", "single photon", "56609000"),
            _row("Ga-67", 3.2612, "d", "single photon", "2008008"),
            _row("Xe-133", 5.243, "d", "single photon", "80751004"),
            _row("I-131", 8.02070, "d", "beta", "1368003"),
            _row("Lu-177", 6.647, "d", "beta", "447553000"),
            _row("Y-90", 64.10, "h", "beta", "14691008"),
            _row("Sr-89", 50.53, "d", "beta", "7770004"),
            _row("Sm-153", 46.50, "h", "beta", "419804008"),
            _row("P-32", 14.263, "d", "beta", "32505007"),
            _row("Re-188", 17.0040, "h", "beta", "423578007"),
            _row("Tb-161", 6.906, "d", "beta"),
            _row("Ra-223", 11.43, "d", "alpha", "24853006"),
            _row("Ac-225", 10.0, "d", "alpha"),
            _row("Mo-99", 65.94, "h", "parent"),
            _row("Ge-68", 270.95, "d", "parent", "53315004"),
            _row("Sr-82", 25.36, "d", "parent"),
            _row("W-188", 69.78, "d", "parent"),
            _row("Co-57", 271.74, "d", "check source", "27054007"),
            _row("Cs-137", 30.1671, "y", "check source"),
            _row("Ba-133", 10.52, "y", "check source", "3027009"),
        )
    }
)

_BY_SCT_CODE: Final = {row.sct_code: row for row in NUCLIDES.values() if row.sct_code}
# SNOMED RT identifiers, retired but still what most scanners write (DICOM PS3.16 table O-1).
_SRT_TO_SYMBOL: Final = {
    "C-111A1": "F-18",
    "C-131A3": "Ga-68",
    "C-105A1": "C-11",
    "C-107A1": "N-13",
    "C-B1038": "O-15",
    "C-159A2": "Rb-82",
    "C-127A2": "Cu-64",
    "C-168A4": "Zr-89",
    "C-114A5": "I-124",
    "C-163A8": "Tc-99m",
    "C-114A4": "I-123",
    "C-114A6": "I-125",
    "C-138A9": "Tl-201",
    "C-145A4": "In-111",
    "C-131A2": "Ga-67",
    "C-172A8": "Xe-133",
    "C-114B1": "I-131",
    "C-101ED": "Lu-177",
    "C-162A7": "Y-90",
    "C-158A6": "Sr-89",
    "C-B1134": "Sm-153",
    "C-106A1": "P-32",
    "C-1018D": "Re-188",
    "C-136A2": "Ra-223",
    "C-128A2": "Ge-68",
    "C-144A3": "Co-57",
    "C-122A5": "Ba-133",
}
_MASS_FIRST: Final = re.compile(r"(?P<mass>\d{1,3}m?)(?P<element>[A-Za-z]+)")
_ELEMENT_FIRST: Final = re.compile(r"(?P<element>[A-Za-z]+)(?P<mass>\d{1,3}m?)")


def nuclide(name: str) -> Nuclide:
    """Find a radionuclide by any of the ways people and scanners write it.

    Accepts "F-18", "F18", "18F", "[18F]", "^18^Fluorine", "Technetium 99m", and the SNOMED CT or
    SNOMED RT code of DICOM. Raises `UnknownNuclide` for everything else.
    """
    text = name.strip()
    if text in _BY_SCT_CODE:
        return _BY_SCT_CODE[text]
    if text.upper() in _SRT_TO_SYMBOL:
        return NUCLIDES[_SRT_TO_SYMBOL[text.upper()]]
    squeezed = re.sub(r"[\s^\[\]()_-]", "", text)
    found = _MASS_FIRST.fullmatch(squeezed) or _ELEMENT_FIRST.fullmatch(squeezed)
    if found:
        written = found["element"].lower()
        # "99mTc" and "99MTC" both occur; the m belongs to the mass.
        symbol = _ENGLISH_TO_SYMBOL.get(written, written.capitalize())
        row = NUCLIDES.get(f"{symbol}-{found['mass'].lower()}")
        if row is None and written.startswith("m"):
            rest = written[1:]
            symbol = _ENGLISH_TO_SYMBOL.get(rest, rest.capitalize())
            row = NUCLIDES.get(f"{symbol}-{found['mass']}m")
        if row is not None:
            return row
    raise UnknownNuclide(name)


def half_life_s(name: str) -> float:
    """Physical half-life in seconds of a radionuclide named as for `nuclide`."""
    return nuclide(name).half_life_s
