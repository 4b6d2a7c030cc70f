"""Make tables.json: the palettes of DICOM and matplotlib's maps that maps.toml names.

Run as `python -m hevesy.imaging.render.colourmaps.make_tables` when maps.toml names a new one. The
file is committed, so that a server that lists the maps loads neither matplotlib nor palettes.
"""

from __future__ import annotations

import base64
import json

import numpy as np
import numpy.typing as npt

from hevesy.imaging.render.colourmaps import TABLES_FILE, definitions


def tables() -> dict[str, npt.NDArray[np.uint8]]:
    """Each table (256, 3) from its source, by the id of its map."""
    made = {}
    for key, entry in definitions()["maps"].items():
        if "palette" in entry:
            made[key] = _dicom(entry["palette"])
        elif "matplotlib" in entry:
            made[key] = _matplotlib(entry["matplotlib"])
    return made


def _dicom(uid: str) -> npt.NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut

    # By UID, because pydicom 3.0 takes the names FALL and WINTER for one another.
    return np.asarray(apply_color_lut(np.arange(256, dtype=np.uint8), palette=uid))


def _matplotlib(name: str) -> npt.NDArray[np.uint8]:
    from matplotlib import colormaps

    return np.asarray(colormaps[name](np.linspace(0, 1, 256), bytes=True))[:, :3]


def main() -> None:
    """Write the file."""
    texts = {
        key: base64.b64encode(np.ascontiguousarray(table, np.uint8).tobytes()).decode()
        for key, table in tables().items()
    }
    TABLES_FILE.write_text(json.dumps(texts, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
