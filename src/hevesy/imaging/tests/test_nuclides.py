import pytest

from hevesy.imaging.nuclides import NUCLIDES, UnknownNuclide, half_life_s, nuclide


@pytest.mark.parametrize(
    "written",
    ["F-18", "F18", "18F", "[18F]", "^18^Fluorine", "fluorine-18", "77004003", "C-111A1", " f 18 "],
)
def test_every_way_of_writing_fluorine(written):
    assert nuclide(written).symbol == "F-18"


@pytest.mark.parametrize("written", ["Tc-99m", "99mTc", "99MTC", "^99m^Technetium", "tc99m"])
def test_every_way_of_writing_technetium(written):
    assert nuclide(written).symbol == "Tc-99m"


@pytest.mark.parametrize("written", ["", "F-19", "FDG", "18", "Tc-99", "<script>", "F-18; DROP"])
def test_what_is_not_a_nuclide_is_refused(written):
    with pytest.raises(UnknownNuclide):
        nuclide(written)


# European Pharmacopoeia 5.7: an evaluation independent of ICRP-107.
@pytest.mark.parametrize(
    ("symbol", "seconds", "uncertainty"),
    [
        ("C-11", 20.385 * 60, 0.020 * 60),
        ("N-13", 9.965 * 60, 0.004 * 60),
        ("O-15", 122.24, 0.16),
        ("F-18", 109.77 * 60, 0.05 * 60),
        ("P-32", 14.26 * 86400, 0.04 * 86400),
    ],
)
def test_half_lives_agree_with_the_pharmacopoeia(symbol, seconds, uncertainty):
    assert abs(half_life_s(symbol) - seconds) <= uncertainty


def test_rows_are_whole():
    for symbol, row in NUCLIDES.items():
        assert row.symbol == symbol
        assert row.half_life_s > 0
        assert row.name_en
        assert row.name_zh
    assert half_life_s("Cs-137") == pytest.approx(9.51981e8, rel=1e-4)
    assert half_life_s("I-131") == pytest.approx(692_988, abs=1)
    assert NUCLIDES["Lu-177"].name_zh == "镥-177"
