import subprocess
import sys


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
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
