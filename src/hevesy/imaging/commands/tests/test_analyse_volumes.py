import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, generate_uid

from hevesy.imaging.analyse.brain.regions import coarse_regions, standard_grid
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import shape_from_json
from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.nm_files import write_nm
from hevesy.imaging.phantoms.brain import make_brain
from hevesy.imaging.phantoms.heart import make_beating_heart, make_lying_heart


@pytest.fixture
def analyse(capsys):
    """Run `hevesy image analyse … --json` in this process: exit status and the answer."""

    def run(*arguments):
        status = main(["analyse", *map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def values(told):
    return {one["key"]: one["value"] for one in told["measures"]}


def write_recon(path, gates, spacing_mm, position=(0.0, 0.0, 0.0), *, scale=1.0):
    """An NM RECON (GATED) TOMO object of volumes [gate, k, j, i]."""
    count, slices, rows, columns = gates.shape
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = NuclearMedicineImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid()
    data.SeriesInstanceUID = data.StudyInstanceUID = generate_uid()
    kind = "RECON GATED TOMO" if count > 1 else "RECON TOMO"
    data.Modality, data.ImageType = "NM", ["DERIVED", "PRIMARY", kind, "EMISSION"]
    data.Rows, data.Columns, data.NumberOfFrames = rows, columns, count * slices
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, 0
    data.PixelSpacing, data.SpacingBetweenSlices = [spacing_mm] * 2, spacing_mm
    data.SliceVector = list(range(1, slices + 1)) * count
    if count > 1:
        data.RRIntervalVector = [1] * count * slices
        data.TimeSlotVector = [slot for slot in range(1, count + 1) for _ in range(slices)]
    detector = Dataset()
    detector.ImagePositionPatient = list(position)
    detector.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.DetectorInformationSequence = [detector]
    data.PixelData = np.rint(gates * scale).astype("<u2").tobytes()
    path.parent.mkdir(exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def test_a_gated_heart_is_read_from_its_file_and_drawn_by_the_program(tmp_path):
    heart = make_beating_heart(gates=4)
    image = write_recon(tmp_path / "gated.dcm", heart.gates, 6.0, scale=100.0)
    plot = tmp_path / "plot.png"
    call = ["image", "analyse", "gatedspect", image, "--orientation", "short-axis"]
    call += ["--fwhm-mm", "12", "--json", "--plot", plot]

    done = subprocess.run(
        [sys.executable, "-m", "hevesy", *map(str, call)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert values(json.loads(done.stdout))["lvef_percent"] == pytest.approx(60, abs=5)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_transaxial_gates_are_turned_to_an_axis_that_is_found_or_stated(analyse, tmp_path):
    ends = {"base_lps": (20.0, -10.0, 10.0), "apex_lps": (59.0, -55.0, -13.0)}
    gates = [make_lying_heart(**ends, wide_mm=wide) for wide in (27.0, 25.0, 23.0, 25.0)]
    image = write_recon(
        tmp_path / "gated.dcm",
        np.stack([one.array for one in gates]),
        6.4,
        gates[0].ijk_to_lps[:3, 3],
        scale=100.0,
    )

    for drawn in ((), ("--apex", *ends["apex_lps"], "--base", *ends["base_lps"])):
        status, answer = analyse("gatedspect", image, "--fwhm-mm", 12, *drawn)

        assert status == 0
        orientation = answer["inputs"]["orientation"]
        assert orientation["source"] == ("stated" if drawn else "found")
        assert orientation["base_lps_mm"] == pytest.approx(ends["base_lps"], abs=5.0)
        # Half an ellipsoid of 27 x 64 mm, and of 23 x 64 mm.
        found = values(answer)
        assert found["edv_ml"] == pytest.approx(2 / 3 * np.pi * 27**2 * 0.0639, abs=8)
        assert found["lvef_percent"] == pytest.approx(100 * (1 - (23 / 27) ** 2), abs=5)


def test_normals_are_built_and_a_lowered_lobe_is_found(analyse, tmp_path):
    regions = coarse_regions(*standard_grid(8.0))
    place = regions.ijk_to_lps[:3, 3]

    def written(name, image):
        whole = image[None] / image.max()
        return write_recon(tmp_path / name / "brain.dcm", whole, 8.0, place, scale=3e4)

    for n in range(20):
        written(f"normal{n}", make_brain(regions, seed=n))
    sick = written("sick", make_brain(regions, seed=77, uptake={"right temporal": 0.6}))
    database = tmp_path / "normals.npz"
    folders = [tmp_path / f"normal{n}" for n in range(20)]

    status, built = analyse(
        "brainnormals", *folders, "--voxel-mm", 8, "--tracer", "FDG", "--out", database
    )
    checksum = hashlib.sha256(database.read_bytes()).hexdigest()
    normals = ("--normals", database, "--normals-sha256", checksum)
    found = values(analyse("brainz", sick, "--voxel-mm", 8, *normals)[1])

    assert status == 0
    assert built["inputs"]["sha256"] == checksum
    z = {key: value for key, value in found.items() if key.endswith("_z")}
    assert min(z, key=z.get) == "right_temporal_z"
    assert found["right_temporal_z"] < -2


def test_dopamine_transporters_and_amyloid_are_measured_from_files(analyse, tmp_path):
    regions = coarse_regions(*standard_grid(4.0))
    image = np.where(regions.brain, 1.0, 0.0)
    image[regions.mask("left striatum", "right striatum")] = 3.0
    place = regions.ijk_to_lps[:3, 3]
    path = write_recon(tmp_path / "dat" / "dat.dcm", image[None], 4.0, place, scale=1000.0)

    assert values(analyse("dat", path)[1])["mean_sbr"] == pytest.approx(2.0)
    amyloid = values(analyse("amyloid", path, "--tracer", "florbetaben")[1])
    assert amyloid["centiloid"] == pytest.approx(153.4 - 154.9)


@pytest.fixture
def a_brain(tmp_path):
    """A file of striata at three times the brain, 9 mm aside and 6 mm up from the standard space, and a template."""
    regions = coarse_regions(*standard_grid(4.0))
    image = np.where(regions.brain, 1.0, 0.0)
    image[regions.mask("left striatum", "right striatum")] = 3.0
    template = sitk.GetImageFromArray(image.astype(np.float32))
    template.SetSpacing([4.0] * 3)
    template.SetOrigin([float(x) for x in regions.ijk_to_lps[:3, 3]])
    path = tmp_path / "template.nii.gz"
    sitk.WriteImage(template, str(path))
    place = regions.ijk_to_lps[:3, 3] + (9.0, 0.0, 6.0)
    moved = write_recon(tmp_path / "moved" / "dat.dcm", image[None], 4.0, place, scale=1000.0)
    return moved, path


@pytest.mark.clause("6.10")
def test_a_brain_comes_into_standard_space_by_the_sites_template(analyse, a_brain):
    moved, template = a_brain
    checksum = hashlib.sha256(template.read_bytes()).hexdigest()

    status, told = analyse("dat", moved, "--template", template, "--template-sha256", checksum)
    wrong = analyse("dat", moved, "--template", template, "--template-sha256", "0" * 64)

    assert status == 0
    assert values(analyse("dat", moved)[1])["mean_sbr"] < 1.5
    assert values(told)["mean_sbr"] == pytest.approx(2.0, rel=0.05)
    (way,) = [one for one in told["findings"] if one["key"] == "laid_on_template"]
    matrix = np.array(way["values"]["registration"]["moving_to_fixed_lps_mm"])
    np.testing.assert_allclose(matrix[:3, 3], (9.0, 0.0, 6.0), atol=2.0)
    assert wrong[0] == 1 and wrong[1]["reason"] == "wrong_checksum"


@pytest.mark.parametrize("form", ["the matrix", "an answer of register"])
def test_a_brain_comes_into_standard_space_by_a_matrix(analyse, a_brain, tmp_path, form):
    moved, _template = a_brain
    matrix = np.eye(4)
    matrix[:3, 3] = (9.0, 0.0, 6.0)
    given = matrix.tolist()
    path = tmp_path / "matrix.json"
    told = given if form == "the matrix" else {"status": "ok", "moving_to_fixed_lps_mm": given}
    path.write_text(json.dumps(told))

    assert values(analyse("dat", moved, "--matrix", path)[1])["mean_sbr"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "text", ['{"accepted": true}', "[[1, 0], [0]]", '[["x"]]', "[[NaN, 0, 0, 0]]", "[]", "no json"]
)
def test_a_file_without_a_matrix_is_refused(analyse, a_brain, tmp_path, text):
    path = tmp_path / "matrix.json"
    path.write_text(text)

    status, told = analyse("dat", a_brain[0], "--matrix", path)

    assert status == 1 and told["reason"] in ("bad_matrix", "bad_json")


def test_one_way_into_standard_space_is_enough(analyse, a_brain):
    moved, template = a_brain

    status, told = analyse("dat", moved, "--template", template, "--matrix", template)

    assert status == 1 and told["reason"] == "two_ways"


def test_spect_suv_uses_the_sites_table(analyse, tmp_path):
    table = tmp_path / "cameras.toml"
    table.write_text(
        '[calibration.one]\nnuclide = "Tc-99m"\ncollimator = "LEHR"\nreconstruction = "OSEM"\n'
        'counts_per_s_per_bq = 1e-4\nsource = "site"\nchecked = true\n'
    )
    image = write_recon(tmp_path / "recon.dcm", np.full((1, 6, 6, 6), 500.0), 5.0)
    call = ("--calibrations", table, "--calibration", "one", "--duration-s", 1000)
    dose = ("--injected-mbq", 700, "--since-injection-s", 0, "--weight-kg", 70)

    status, told = analyse("spectsuv", image, *call, "--nuclide", "Tc-99m", *dose)

    x = np.log(2) * 1000 / (6.015 * 3600)
    concentration = 500 / (1000 * 0.125 * 1e-4) * x / (1 - np.exp(-x))
    assert status == 0
    assert values(told)["mean_bq_per_ml"] == pytest.approx(concentration, rel=1e-5)
    assert values(told)["suv_bw_mean"] == pytest.approx(concentration * 70e3 / 700e6, rel=1e-5)


def test_a_bone_scan_is_judged_by_its_regions(analyse, tmp_path):
    def box(name, x, y):
        points = [[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]]
        shape = shape_from_json({"kind": "polygon", "points": points}, name)
        return Region(name, name, shape)

    regions = RegionSet(64, 64, (box("pelvis", 10.5, 10.5), box("lesion", 10.5, 10.5)))
    rois = tmp_path / "rois.json"
    rois.write_text(json.dumps(regions.as_json()))
    views = {"anterior": np.ones((2, 64, 64))}
    image = write_nm(tmp_path / "bone.dcm", views, duration_s=(60.0, 60.0))

    assert values(analyse("bsi", image, "--rois", rois)[1])["bsi_percent"] == pytest.approx(7.5)


def test_numbers_in_files_answer_for_therapy_kinetics_and_bone(analyse, tmp_path):
    therapy, dynamic = tmp_path / "therapy.json", tmp_path / "dynamic.json"
    hours = [4.0, 24.0, 96.0]
    region = {"name": "kidney", "time_h": hours, "volume_ml": 100.0}
    region["activity_mbq"] = [80 * 0.5 ** (one / 50) for one in hours]
    recovery = {"volume_ml": [1, 100], "recovery": [0.3, 0.8], "source": "site", "checked": True}
    therapy.write_text(
        json.dumps({"injected_mbq": 7400, "regions": [region], "recovery": recovery})
    )
    ends = np.arange(1.0, 61.0)
    # With a constant input the tissue is Ki t + V exactly.
    tissue = (0.03 * (ends - 0.5) + 0.4) * 5
    dynamic.write_text(
        json.dumps(
            {
                "start_min": list(ends - 1),
                "end_min": list(ends),
                "tissue": list(tissue),
                "input_time_min": [0, 30, 60],
                "input": [5, 5, 5],
            }
        )
    )
    bone = ("--reference", "us_female_femoral_neck_updated", "--sex", "F", "--age-years", 64)

    assert values(analyse("lutetium", therapy)[1])["kidney_tia_mbq_h"] == pytest.approx(
        100 * 50 / np.log(2), rel=1e-4
    )
    assert values(analyse("patlak", dynamic)[1])["ki_per_min"] == pytest.approx(0.03)
    assert values(analyse("bmd", "--bmd", 0.767, *bone)[1])["t_score"] == pytest.approx(-1.0)


def test_files_that_are_not_complete_are_refused_by_name(analyse, tmp_path):
    path = tmp_path / "empty.json"
    path.write_text("{}")
    for study in ("patlak", "lutetium"):
        status, told = analyse(study, path)
        assert (status, told["reason"]) == (1, "bad_json")
