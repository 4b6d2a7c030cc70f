import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

# Django and everything else of the server cannot be imported in what runs after this.
BLOCKED = (
    "import sys\n"
    "class Blocked:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name.split('.')[0] in ('django', 'ninja', 'pynetdicom'):\n"
    "            raise ModuleNotFoundError(f'{name} is blocked')\n"
    "        if name.startswith('hevesy.') and name.split('.')[1] not in ('imaging', 'config', '__main__'):\n"
    "            raise ModuleNotFoundError(f'{name} is blocked')\n"
    "sys.meta_path.insert(0, Blocked())\n"
)


def ran(program, *, python=sys.executable, environment=None):
    return subprocess.run(
        [python, "-c", program], capture_output=True, text=True, check=False, env=environment
    )


def test_imaging_pulls_in_neither_django_nor_another_part_of_hevesy():
    program = (
        "import pkgutil, sys, hevesy.imaging as root\n"
        "for part in pkgutil.walk_packages(root.__path__, 'hevesy.imaging.'):\n"
        "    if '.tests' not in part.name and not part.name.endswith('.child'):\n"
        "        __import__(part.name)\n"
        "foreign = [n for n in sys.modules if n.split('.')[0] == 'django'\n"
        "           or n.startswith('hevesy.') and not n.startswith('hevesy.imaging')]\n"
        "sys.exit(', '.join(foreign) or 0)\n"
    )
    done = ran(program)
    assert done.returncode == 0, done.stderr


def test_the_library_and_its_command_line_work_where_django_cannot_be_imported(tmp_path):
    done = ran(BLOCKED + "import hevesy.imaging, hevesy.imaging.dicomio, hevesy.imaging.quantify\n")
    assert done.returncode == 0, done.stderr

    call = "from hevesy.config.cli import main\nsys.argv[1:] = %r\nsys.exit(main())\n"
    shown = ran(BLOCKED + call % ["image", "--help"])
    assert shown.returncode == 0, shown.stderr
    assert "suv" in shown.stdout

    empty = ran(BLOCKED + call % ["image", "suv", str(tmp_path)])
    assert empty.returncode == 1
    assert "no readable DICOM" in empty.stderr

    assert "blocked" in ran(BLOCKED + "import django\n").stderr


def work_for(folder):
    """Calls of `hevesy image` that use SimpleITK, numba, highdicom and matplotlib, on phantoms
    written here, with what each must leave or say.
    """
    import numpy as np
    import SimpleITK

    from hevesy.imaging.commands.tests.nm_files import write_nm
    from hevesy.imaging.dicomio.identity import Administration, SeriesIdentity, StudyIdentity
    from hevesy.imaging.dicomio.write import write_ct_series, write_pet_series
    from hevesy.imaging.phantoms import planar
    from hevesy.imaging.phantoms.torso import make_torso

    begun = datetime(2026, 1, 2, 9, 0, tzinfo=UTC)
    identity = StudyIdentity("Phantom^Torso", "P1", "F", "1.2.826.0.1.1", begun, weight_kg=70.0)
    torso = make_torso(1)
    pet, ct = torso.pet(coarser=2.0), torso.ct(coarser=3.0)
    for name in ("pet", "ct"):
        (folder / name).mkdir()
    frame = "1.2.826.0.1.2"
    write_pet_series(
        folder / "pet",
        pet,
        identity,
        Administration(3.7e8, begun - timedelta(hours=1)),
        SeriesIdentity(1, "PET", frame_of_reference_uid=frame),
    )
    write_ct_series(
        folder / "ct", ct, identity, SeriesIdentity(2, "CT", frame_of_reference_uid=frame)
    )
    mask = SimpleITK.GetImageFromArray((pet.array >= 6.0).astype(np.uint8))
    mask.SetSpacing(pet.spacing_mm)
    mask.SetOrigin(pet.ijk_to_lps[:3, 3].tolist())
    SimpleITK.WriteImage(mask, folder / "mask.nii.gz")
    study = planar.renogram(seed=1)
    write_nm(folder / "nm.dcm", {"posterior": study.frames}, duration_s=study.duration_s)
    (folder / "rois.json").write_text(json.dumps(study.regions.as_json()), "utf-8")
    return [
        (["suv", "pet", "--json"], '"status": "ok"'),
        (["measure", "pet", "--mask", "mask.nii.gz", "--json"], '"TLG_SUVbw_ml"'),
        (["lesions", "pet", "--ct", "ct", "--seg", "seg.dcm", "--json"], "seg.dcm"),
        (["register", "pet", "ct", "--json"], '"hardware aligned"'),
        (["mip", "pet", "--out", "turn.gif", "--frames", "6"], "turn.gif"),
        (
            ["analyse", "renogram", "nm.dcm", "--rois", "rois.json", "--plot", "plot.svg", "--json"],
            "plot.svg",
        ),
    ]  # fmt: skip


def did_the_work(folder, program, environment):
    """Run all calls in a folder; what they should have written or said is there."""
    for arguments, left in work_for(folder):
        done = subprocess.run(
            [*program, "image", *arguments],
            capture_output=True, text=True, check=False, env=environment, cwd=folder,
        )  # fmt: skip
        assert done.returncode == 0, (arguments, done.stderr)
        if left.startswith('"'):
            assert left in done.stdout, arguments
        else:
            assert (folder / left).stat().st_size > 500, arguments


@pytest.mark.soak
def test_real_work_needs_no_django(tmp_path):
    blocked = BLOCKED + "from hevesy.config.cli import main\nsys.exit(main())\n"

    did_the_work(tmp_path, [sys.executable, "-c", blocked], None)


@pytest.mark.soak
def test_the_core_dependencies_alone_run_the_command_line(tmp_path):
    """Needs a package index: a fresh environment with what pyproject.toml names and no extra."""
    project = Path(__file__).parents[4]
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "fresh"], check=True)
    python = tmp_path / "fresh/bin/python"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [python, "-m", "pip", "install", "-q", str(project)], check=True, env=environment
    )

    without = ran("import django\n", python=python, environment=environment)
    assert "No module named 'django'" in without.stderr
    for program in (
        "import hevesy.imaging",
        "import sys; from hevesy.config.cli import main; sys.argv[1:] = ['image', '--help']; main()",
    ):
        done = ran(program, python=python, environment=environment)
        assert done.returncode == 0, done.stderr
    (tmp_path / "none").mkdir()
    done = subprocess.run(
        [tmp_path / "fresh/bin/hevesy", "image", "suv", str(tmp_path / "none")],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no readable DICOM" in done.stderr
    (tmp_path / "work").mkdir()
    did_the_work(tmp_path / "work", [tmp_path / "fresh/bin/hevesy"], environment)
