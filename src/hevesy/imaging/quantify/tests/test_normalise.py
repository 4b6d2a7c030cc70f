import pytest

from hevesy.imaging.quantify.normalise import NORMALISERS, ratio_to_body_weight

BODY = {"weight_kg": 75.0, "height_m": 1.85}


# Reference digits of the unit tests of @cornerstonejs/calculate-suv (kg here, g there).
@pytest.mark.parametrize(
    ("kind", "sex", "kg"),
    [
        ("LBM", "M", 62.77757487216947),
        ("LBM", "F", 55.92567567568),
        ("LBMJANMA", "M", 60.91533588652),
        ("LBMJANMA", "F", 49.21437996838),
        ("BSA", "", 19.813758427117766),
    ],
)
def test_masses_have_the_published_digits(kind, sex, kg):
    assert NORMALISERS[kind](**BODY, sex=sex) == pytest.approx(kg, rel=1e-12)


def test_ideal_weight_and_the_constant_128():
    body = {"weight_kg": 70.0, "height_m": 1.75}
    assert NORMALISERS["IBW"](**body, sex="M") == pytest.approx(72.38)
    assert NORMALISERS["IBW"](**body, sex="F") == pytest.approx(66.43)
    assert NORMALISERS["IBW"](**body, sex="O") == pytest.approx(69.405)
    assert NORMALISERS["LBMJAMES128"](**body, sex="M") == pytest.approx(56.52)


def test_ratio_is_of_the_mass_to_the_weight():
    assert ratio_to_body_weight("BW", weight_kg=70, height_m=0, sex="M") == 1
    assert ratio_to_body_weight("LBMJANMA", **BODY, sex="M") == pytest.approx(60.91533588652 / 75)
    with pytest.raises(ValueError, match="no meaning"):
        ratio_to_body_weight("LBM", weight_kg=400, height_m=1.5, sex="F")
    with pytest.raises(ValueError, match="above zero"):
        ratio_to_body_weight("LBM", weight_kg=70, height_m=0, sex="F")
