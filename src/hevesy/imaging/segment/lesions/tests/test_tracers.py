"""Radiopharmaceuticals are named in many ways; a wrong profile would hide lesions in another organ's class."""

import pytest

from hevesy.imaging.segment.lesions.tracers import profile_of


@pytest.mark.parametrize(
    ("named", "profile"),
    [
        ("FDG -- fluorodeoxyglucose", "FDG"),
        ("Fluorodeoxyglucose F^18^", "FDG"),
        ("Fludeoxyglucose (18F)", "FDG"),
        ("[18F]-FDG", "FDG"),
        ("氟[18F]脱氧葡萄糖", "FDG"),
        ("氟代脱氧葡萄糖[18F]", "FDG"),
        ("68Ga-PSMA-11", "PSMA"),
        ("PSMA_1007", "PSMA"),
        ("DCFPyL F^18^", "PSMA"),
        ("Gallium Ga-68 DOTATATE", "SSTR"),
        ("Ga68 DOTA NOC", "SSTR"),
        ("Copper Cu 64 dotatate", "SSTR"),
        ("Sodium fluoride F^18^", ""),
        ("FAPI-04", ""),
        ("Solution", ""),
        ("FDG and PSMA", ""),
        ("", ""),
    ],
)
def test_a_name_leads_to_its_profile_or_to_none(named, profile):
    assert profile_of(named) == profile
