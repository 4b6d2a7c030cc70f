import os
import subprocess
import sys
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
