"""Laws of the SUV factor that hold for every header, and the kinds of SUV."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.normalise import NORMALISERS
from hevesy.imaging.quantify.suv import KINDS, SuvEdits, apply_suv, suv_factor
from hevesy.imaging.refusal import Refused

T_S = 6586.2
CLOCKS = st.datetimes(datetime(2023, 1, 1), datetime(2028, 12, 31))  # noqa: DTZ001


def a_header(
    *,
    scanned,
    uptake_s=3600.0,
    dose_bq=368.08e6,
    weight_kg=70.0,
    half_life_s=T_S,
    correction="START",
    time_only=False,
    frame_s=180.0,
    **changes,
):
    injected = scanned - timedelta(seconds=uptake_s)
    drug = {"RadionuclideTotalDose": dose_bq, "RadionuclideHalfLife": half_life_s}
    drug["RadiopharmaceuticalStartTime"] = injected.strftime("%H%M%S.%f")
    if not time_only:
        drug["RadiopharmaceuticalStartDateTime"] = injected.strftime("%Y%m%d%H%M%S.%f")
    return {
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": correction,
        "CorrectedImage": ["ATTN"] if correction == "NONE" else ["ATTN", "DECY"],
        "PatientWeight": weight_kg,
        "PatientSize": 1.75,
        "PatientSex": "M",
        "SeriesDate": scanned.strftime("%Y%m%d"),
        "SeriesTime": scanned.strftime("%H%M%S.%f"),
        "AcquisitionDate": scanned.strftime("%Y%m%d"),
        "AcquisitionTime": scanned.strftime("%H%M%S.%f"),
        "ActualFrameDuration": 1000 * frame_s,
        "radiopharmaceuticals": [drug],
    } | changes


@given(k=st.floats(0.2, 5.0), correction=st.sampled_from(["START", "ADMIN", "NONE"]))
def test_suv_goes_with_the_weight_and_against_the_dose(k, correction):
    scanned = datetime(2025, 6, 1, 9)  # noqa: DTZ001
    plain = suv_factor(a_header(scanned=scanned, correction=correction)).bw_factor

    heavier = suv_factor(a_header(scanned=scanned, correction=correction, weight_kg=70 * k))
    more = suv_factor(a_header(scanned=scanned, correction=correction, dose_bq=368.08e6 * k))

    assert heavier.bw_factor == pytest.approx(plain * k, rel=1e-12)
    assert more.bw_factor == pytest.approx(plain / k, rel=1e-12)


@given(
    scanned=CLOCKS,
    uptake_s=st.integers(0, 6 * 3600),
    time_only=st.booleans(),
    correction=st.sampled_from(["START", "ADMIN", "NONE"]),
)
def test_shifting_every_clock_alike_changes_nothing(scanned, uptake_s, time_only, correction):
    at_noon = datetime(2025, 6, 1, 12)  # noqa: DTZ001
    shape = {"uptake_s": uptake_s, "time_only": time_only, "correction": correction}

    here = suv_factor(a_header(scanned=at_noon, **shape))
    there = suv_factor(a_header(scanned=scanned, **shape))

    assert there.bw_factor == pytest.approx(here.bw_factor, rel=1e-9)


@pytest.mark.parametrize(
    "scanned",
    [
        datetime(2025, 1, 1, 0, 20),  # noqa: DTZ001  midnight, month and year
        datetime(2024, 2, 29, 0, 20),  # noqa: DTZ001  into a leap day
        datetime(2024, 3, 1, 0, 20),  # noqa: DTZ001  out of a leap day
        datetime(2025, 3, 30, 3, 20),  # noqa: DTZ001  over the spring change of clocks
        datetime(2025, 10, 26, 2, 40),  # noqa: DTZ001  over the autumn change of clocks
    ],
)
def test_the_places_where_calendars_go_wrong(scanned):
    factor = suv_factor(a_header(scanned=scanned))
    assert factor.inputs.decay_s == 3600
    assert factor.bw_factor == pytest.approx(70e3 / (368.08e6 * 2 ** (-3600 / T_S)), rel=1e-12)


def test_a_change_of_clocks_between_injection_and_scan_is_seen_where_offsets_are_stated():
    header = a_header(
        scanned=datetime(2025, 10, 26, 2, 30),  # noqa: DTZ001
        TimezoneOffsetFromUTC="+0100",
    )
    header["radiopharmaceuticals"][0] |= {
        "RadiopharmaceuticalStartDateTime": "20251026023000+0200",
        "RadiopharmaceuticalStartTime": "023000",
    }
    assert suv_factor(header).inputs.decay_s == 3600


@given(uptake_s=st.floats(0, 8 * 3600), half_life_s=st.floats(600, 50_000))
def test_one_half_life_more_doubles_the_suv_only_if_decay_was_corrected_to_the_scan(
    uptake_s, half_life_s
):
    scanned = datetime(2025, 6, 1, 20)  # noqa: DTZ001
    shape = {"scanned": scanned, "half_life_s": half_life_s}
    longer = {"uptake_s": uptake_s + half_life_s}

    early = suv_factor(a_header(uptake_s=uptake_s, **shape)).bw_factor
    late = suv_factor(a_header(**longer, **shape)).bw_factor
    assert late == pytest.approx(2 * early, rel=1e-8)

    admin = {"correction": "ADMIN", **shape}
    assert (
        suv_factor(a_header(**longer, **admin)).bw_factor
        == suv_factor(a_header(uptake_s=uptake_s, **admin)).bw_factor
    )


def test_days_between_injection_and_scan_are_believed_of_a_nuclide_that_lives_for_days():
    five_days = {"scanned": datetime(2025, 6, 6, 9), "uptake_s": 5 * 86400.0}  # noqa: DTZ001

    zirconium = suv_factor(a_header(half_life_s=282276.0, **five_days))
    fluorine = suv_factor(a_header(**five_days))

    assert not zirconium.warnings
    assert zirconium.bw_factor == pytest.approx(
        70e3 / (368.08e6 * 2 ** (-5 * 86400 / 282276.0)), rel=1e-12
    )
    assert {one.key for one in fluorine.warnings} == {"injection_date_shifted"}


def test_a_time_of_day_alone_does_not_say_on_which_day_a_long_lived_tracer_was_given():
    header = a_header(
        scanned=datetime(2025, 6, 6, 9),  # noqa: DTZ001
        half_life_s=282276.0,
        time_only=True,
    )
    assert suv_factor(header).refused == "injection_date_missing"


def test_the_half_life_of_the_header_counts_not_that_of_the_table():
    header = a_header(scanned=datetime(2025, 6, 1, 9), half_life_s=6588.0)  # noqa: DTZ001
    header["radiopharmaceuticals"][0]["RadionuclideCodeMeaning"] = "^18^Fluorine"
    factor = suv_factor(header)
    assert factor.inputs.half_life_s == 6588.0
    assert factor.bw_factor == pytest.approx(70e3 / (368.08e6 * 2 ** (-3600 / 6588)), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_suv_is_the_one_by_weight_times_its_normaliser(kind):
    bw = suv_factor(a_header(scanned=datetime(2025, 6, 1, 9)))  # noqa: DTZ001
    mass_kg = NORMALISERS[kind](weight_kg=70.0, height_m=1.75, sex="M")

    factor = bw.as_kind(kind)

    assert factor.per_slice[0] == pytest.approx(bw.per_slice[0] * mass_kg / 70.0, rel=1e-12)
    volume = Volume(np.full((1, 1, 1), 3600.0), np.eye(4), units="BQML", modality="PT")
    assert apply_suv(volume, factor).units == KINDS[kind]


@pytest.mark.parametrize("sex", ["M", "F"])
def test_activity_even_in_the_lean_body_has_sul_one(sex):
    """SUL is 1 where the whole dose is spread through the lean mass alone."""
    lean = {"M": 60915.33588652, "F": 49214.37996838}[sex]
    header = a_header(
        scanned=datetime(2025, 6, 1, 9),  # noqa: DTZ001
        weight_kg=75.0,
        PatientSize=1.85,
        PatientSex=sex,
        correction="ADMIN",
    )
    factor = suv_factor(header).as_kind("LBMJANMA")
    assert factor.per_slice[0] * 368.08e6 / lean == pytest.approx(1, rel=1e-12)
    assert factor.bw_factor is None


def test_another_kind_needs_the_height_and_james_is_doubted_in_the_heavy():
    scanned = datetime(2025, 6, 1, 9)  # noqa: DTZ001
    unknown = suv_factor(a_header(scanned=scanned, PatientSize=None)).as_kind("LBMJANMA")
    assert unknown.refused == "size_missing"
    assert not unknown.per_slice

    heavy = suv_factor(a_header(scanned=scanned, weight_kg=120.0))
    assert {one.key for one in heavy.as_kind("LBM").warnings} == {"lean_mass_of_heavy"}
    assert not heavy.as_kind("LBMJANMA").warnings
    with pytest.raises(KeyError):
        heavy.as_kind("FAT")


def test_a_refused_factor_scales_nothing():
    factor = suv_factor(a_header(scanned=datetime(2025, 6, 1, 9), weight_kg=None))  # noqa: DTZ001
    volume = Volume(np.ones((1, 1, 1)), np.eye(4), units="BQML", modality="PT")
    with pytest.raises(Refused) as refusal:
        apply_suv(volume, factor)
    assert refusal.value.key == "weight_missing"


def test_an_edit_without_a_zone_is_the_clock_of_the_scanner_and_the_old_values_are_kept():
    header = a_header(scanned=datetime(2025, 6, 1, 9), TimezoneOffsetFromUTC="+0800")  # noqa: DTZ001
    edits = SuvEdits(injected_at=datetime(2025, 6, 1, 7, 30), weight_kg=72.0, dose_bq=3e8)  # noqa: DTZ001

    factor = suv_factor(header, edits=edits)

    assert factor.inputs.decay_s == 5400
    assert factor.as_json()["header_values"] == {
        "weight_kg": 70.0,
        "dose_bq": 368.08e6,
        "injected_at": "20250601080000.000000",
    }
