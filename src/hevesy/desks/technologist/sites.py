"""Where an injection goes in: code, words, laterality (DICOM TID 10022 wants site and laterality for IV)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SITES = {
    "forearm-r": (_("right forearm vein"), "R"),
    "forearm-l": (_("left forearm vein"), "L"),
    "cubital-r": (_("right cubital vein"), "R"),
    "cubital-l": (_("left cubital vein"), "L"),
    "hand-r": (_("right back of the hand"), "R"),
    "hand-l": (_("left back of the hand"), "L"),
    "foot-r": (_("right back of the foot"), "R"),
    "foot-l": (_("left back of the foot"), "L"),
    "cannula": (_("indwelling cannula"), ""),
    "picc": (_("PICC or port"), ""),
    "other": (_("other place"), ""),
}

ROUTES = {
    "IV": _("intravenous"),
    "oral": _("by mouth"),
    "inhalation": _("inhaled"),
    "IM": _("intramuscular"),
    "SC": _("subcutaneous"),
    "ID": _("intradermal"),
    "IA": _("intra-arterial"),
    "IT": _("intrathecal"),
}


def route_word(route: str) -> str:
    """The route in words; one that is not in the table as it is stored."""
    return str(ROUTES.get(route, route))


OPTIONS = [("", "—"), *((code, words) for code, (words, _side) in SITES.items())]
