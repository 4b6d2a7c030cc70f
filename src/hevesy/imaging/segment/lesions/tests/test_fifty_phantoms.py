"""Fifty generated patients with seven spheres each, by the functions of `bench/lesions.py`.

The floors are the promise of the product, not what it gave last time: every focus that reaches the
rule is in the list, and of those at least three in four (quantification note, 3.1: 75 to 85 % for
rules without training data) count without a click, at no more than five false rows per patient.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.soak

PHANTOMS = range(1, 51)
LEAST_SENSITIVITY = 0.75
# Spheres of 13 mm and more at four times their surroundings and more, where no rule has an excuse.
LEAST_SENSITIVITY_PLAIN = 0.80
MOST_FALSE_PER_PATIENT = 5.0


@pytest.fixture(scope="module")
def bench():
    path = next(
        folder / "bench" / "lesions.py"
        for folder in Path(__file__).parents
        if (folder / "bench" / "lesions.py").is_file()
    )
    spec = importlib.util.spec_from_file_location("bench_lesions", path)
    module = importlib.util.module_from_spec(spec)
    # Data classes look their module up by its name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def patients(bench):
    return [bench.examine(seed, 0, bench.make_fdg_phantom(seed, lesions=())) for seed in PHANTOMS]


def reaching(patients):
    """Each sphere that reaches the rule, with whether a row that counts by itself holds it."""
    for one in patients:
        included = {row.number for row in one.report.rows if row.included}
        for sphere in one.spheres:
            if sphere.reaches:
                yield sphere, bool(sphere.rows & included)


@pytest.mark.clause("6.16")
def test_no_sphere_that_reaches_the_rule_is_missing_from_the_list(patients):
    missing = [
        (one.seed, sphere.diameter, sphere.contrast)
        for one in patients
        for sphere in one.spheres
        if sphere.lost or (sphere.reaches and not one.report.label_volume()[sphere.hottest])
    ]

    assert len(list(reaching(patients))) > 100
    assert missing == []


@pytest.mark.clause("6.16")
def test_three_of_four_spheres_that_reach_the_rule_count_without_a_click(patients):
    told = list(reaching(patients))
    plain = [hit for one, hit in told if one.diameter >= 13 and one.contrast >= 4]

    assert np.mean([hit for _, hit in told]) >= LEAST_SENSITIVITY
    assert np.mean(plain) >= LEAST_SENSITIVITY_PLAIN


@pytest.mark.clause("6.16")
def test_a_patient_has_at_most_five_false_rows_to_remove(patients):
    false = [
        sum(row.included and row.number not in one.right for row in one.report.rows)
        for one in patients
    ]

    assert np.mean(false) <= MOST_FALSE_PER_PATIENT
