"""Run verbs of `hevesy image` as programs, and write what they read."""

import json
import subprocess
import sys

from hevesy.imaging.quantify.tests.pet_scans import PetScan


def image(verb, *arguments):
    """Run `hevesy image VERB …`; returns exit status, stdout (parsed where --json is asked) and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "hevesy", "image", verb, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout
    return done.returncode, told, done.stderr


def without_source(told, place=""):
    """Where in an answer a version stands without the source of the method."""
    found = []
    if isinstance(told, dict):
        if "version" in told and not told.get("source") and "tables" not in told:
            found.append(place or "the whole")
        for key, value in told.items():
            found += without_source(value, f"{place}.{key}")
    elif isinstance(told, list):
        for number, value in enumerate(told):
            found += without_source(value, f"{place}[{number}]")
    return found


def write_pet(folder, suv):
    """Write SUV [k, j, i] as a PET series in a new folder; returns the folder."""
    scan = PetScan()
    folder.mkdir()
    uids = {"FrameOfReferenceUID": "1.2.3", "StudyInstanceUID": "1.2.4", "PatientID": "1"}
    for dataset in scan.written(scan.bq_per_ml(suv, scan.reference), **uids):
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
    return folder
