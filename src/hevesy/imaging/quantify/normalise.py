"""Body size normalisers: SUV by weight, lean body mass, ideal weight and body surface.

Weights in kg, heights in m. Sex is "M", "F" or anything else; for anything else the mean of the
formulas for men and women is taken, as the OncoRay reference objects expect.

Sources: James 1976 (DICOM calls it LBM, and LBMJAMES128 with the constant 128 for men);
Janmahasatian 2005, the recommended lean body mass (EANM, IBSI); Sugawara 1999 ideal body weight;
Du Bois 1916 body surface area.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def _by_sex(sex: str, man: float, woman: float) -> float:
    return {"M": man, "F": woman}.get(sex.strip().upper(), (man + woman) / 2.0)


def lean_body_mass_janmahasatian_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Lean body mass, Janmahasatian 2005: 9270 W / (6680 + 216 BMI), women 8780 + 244 BMI."""
    bmi = weight_kg / height_m**2
    return _by_sex(
        sex,
        9270.0 * weight_kg / (6680.0 + 216.0 * bmi),
        9270.0 * weight_kg / (8780.0 + 244.0 * bmi),
    )


def lean_body_mass_james_kg(
    *, weight_kg: float, height_m: float, sex: str, men: float = 120.0
) -> float:
    """Lean body mass, James 1976: 1.10 W - 120 (W/H)^2, women 1.07 W - 148 (W/H)^2 (H in cm).

    Falls again for very heavy patients, so it is never the default.
    """
    ratio = (weight_kg / (100.0 * height_m)) ** 2
    return _by_sex(sex, 1.10 * weight_kg - men * ratio, 1.07 * weight_kg - 148.0 * ratio)


def lean_body_mass_james128_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Lean body mass with the constant 128 for men: the defined term LBMJAMES128 of DICOM."""
    return lean_body_mass_james_kg(weight_kg=weight_kg, height_m=height_m, sex=sex, men=128.0)


def ideal_body_weight_kg(*, weight_kg: float, height_m: float, sex: str) -> float:
    """Ideal body weight, Sugawara 1999: 48.0 + 1.06 (H - 152), women 45.5 + 0.91 (H - 152)."""
    del weight_kg
    above = 100.0 * height_m - 152.0
    return _by_sex(sex, 48.0 + 1.06 * above, 45.5 + 0.91 * above)


def body_surface_m2(*, weight_kg: float, height_m: float, sex: str = "") -> float:
    """Body surface area, Du Bois 1916: 0.007184 W^0.425 H^0.725 (H in cm)."""
    del sex
    return float(0.007184 * weight_kg**0.425 * (100.0 * height_m) ** 0.725)


def _surface_as_mass(*, weight_kg: float, height_m: float, sex: str) -> float:
    # SUVbsa is stated in cm2/mL: 1 m2 is 10 000 cm2, and masses count in g.
    return body_surface_m2(weight_kg=weight_kg, height_m=height_m, sex=sex) * 10.0


NORMALISERS: Final[dict[str, Callable[..., float]]] = {
    "BW": lambda *, weight_kg, height_m, sex: weight_kg,
    "LBM": lean_body_mass_james_kg,
    "LBMJAMES128": lean_body_mass_james128_kg,
    "LBMJANMA": lean_body_mass_janmahasatian_kg,
    "IBW": ideal_body_weight_kg,
    "BSA": _surface_as_mass,
}

# Where the formula of each normaliser stands.
SOURCES: Final[dict[str, str]] = {
    "BW": "",
    "LBM": "lean body mass: James 1976 (DICOM PS3.16 CID 85)",
    "LBMJAMES128": "lean body mass: James 1976 with 128 for men (DICOM PS3.16 CID 85)",
    "LBMJANMA": "lean body mass: Janmahasatian et al., Clin Pharmacokinet 2005",
    "IBW": "ideal body weight: Sugawara et al., Radiology 1999",
    "BSA": "body surface area: Du Bois and Du Bois, Arch Intern Med 1916",
}


def ratio_to_body_weight(kind: str, *, weight_kg: float, height_m: float, sex: str) -> float:
    """What turns SUVbw into the SUV of `kind`: N(kind) / W.

    kind is a defined term of DICOM SUV Type (0054,1006): BW, LBM, LBMJAMES128, LBMJANMA, IBW or
    BSA (then in cm2/mL). Raises `KeyError` for another, `ValueError` for impossible sizes.
    """
    normaliser = NORMALISERS[kind]
    if not weight_kg > 0 or not (kind == "BW" or height_m > 0):
        raise ValueError("weight and height must be above zero")
    mass = normaliser(weight_kg=weight_kg, height_m=height_m, sex=sex)
    if mass <= 0:
        raise ValueError(f"the formula of {kind} has no meaning for this weight and height")
    return mass / weight_kg
