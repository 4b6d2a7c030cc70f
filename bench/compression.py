"""Lossless packing of real images: ratio and speed, beside GDCM and DCMTK in the same run.

    python bench/compression.py FOLDER [--most 120]

FOLDER is searched for CT, PET, MR and NM in little endian without compression. Ours packs in memory and proves that the
received bytes come back (decode and comparison are in its time); the peers only encode, GDCM in this process, DCMTK as
one process a file (its start is measured apart and taken off). Ratio is of whole files.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from pydicom import dcmread

from hevesy.imaging.dicomio.stored import CODECS, NotPacked, pack, unpack
from hevesy.records.archive.part10 import file_head, locate_data_set

MODALITIES = ("CT", "PT", "MR", "NM")
SMALLEST = 30_000
PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")


def images(folder: Path, most: int) -> dict[str, list[bytes]]:
    """Files as the archive writes them, at most `most` of a modality, spread over what there is."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not SMALLEST < path.stat().st_size < 64e6:
            continue
        data = path.read_bytes()
        try:
            place = locate_data_set(data)
            header = dcmread(path, stop_before_pixels=True, force=True)
        except Exception:
            continue  # strangers' files, some of them broken on purpose: what cannot be read is not measured
        if header.get("Modality") in MODALITIES and place.transfer_syntax_uid in PLAIN:
            head = file_head(
                str(header.get("SOPClassUID", "")),
                str(header.get("SOPInstanceUID", "")),
                place.transfer_syntax_uid,
            )
            found[header.Modality].append(head + data[place.offset :])
    return {name: files[:: max(1, len(files) // most)][:most] for name, files in found.items()}


def ours(codec: str, files: list[bytes]) -> tuple[float, float, float, int]:
    """Ratio, MB/s of packing with its proof, MB/s of unpacking, and how many stayed as they are."""
    before = after = left = 0
    packing = unpacking = 0.0
    for file in files:
        began = time.perf_counter()
        try:
            packed = pack(file, codec).content
        except NotPacked:
            left += 1
            continue
        middle = time.perf_counter()
        assert unpack(packed) == file
        unpacking += time.perf_counter() - middle
        packing += middle - began
        before, after = before + len(file), after + len(packed)
    if not before:
        return 1.0, 0.0, 0.0, left
    return before / after, before / packing / 1e6, before / unpacking / 1e6, left


def gdcm_peer(syntax: int) -> Callable[[Path, Path], None]:
    import gdcm

    def convert(source: Path, target: Path) -> None:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        if not reader.Read():
            raise OSError
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise OSError
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise OSError

    return convert


def tool_peer(program: str) -> Callable[[Path, Path], None]:
    def convert(source: Path, target: Path) -> None:
        subprocess.run([program, str(source), str(target)], check=True, capture_output=True)

    return convert


def peers() -> Iterator[tuple[str, Callable[[Path, Path], None], float]]:
    """Name, conversion, and seconds of process start to take off."""
    import gdcm

    yield "GDCM JPEG-LS", gdcm_peer(gdcm.TransferSyntax.JPEGLSLossless), 0.0
    yield "GDCM JPEG 2000", gdcm_peer(gdcm.TransferSyntax.JPEG2000Lossless), 0.0
    yield "GDCM RLE", gdcm_peer(gdcm.TransferSyntax.RLELossless), 0.0
    for program in ("dcmcjpls", "dcmcjpeg", "dcmcrle"):
        if shutil.which(program):
            began = time.perf_counter()
            for _turn in range(5):
                subprocess.run([program, "--version"], capture_output=True, check=False)
            yield f"DCMTK {program}", tool_peer(program), (time.perf_counter() - began) / 5


def peer(
    convert: Callable[[Path, Path], None], start_s: float, files: list[bytes], folder: Path
) -> tuple[float, float, int]:
    """Ratio, MB/s of encoding, and how many it refused."""
    before = after = left = 0
    spent = 0.0
    source, target = folder / "in.dcm", folder / "out.dcm"
    for file in files:
        source.write_bytes(file)
        began = time.perf_counter()
        try:
            convert(source, target)
        except (OSError, subprocess.CalledProcessError):
            left += 1
            continue
        spent += max(1e-6, time.perf_counter() - began - start_s)
        before, after = before + len(file), after + target.stat().st_size
    return (before / after, before / spent / 1e6, left) if before else (1.0, 0.0, left)


def apart(function: Callable[..., tuple[float, float, int]], *arguments: object) -> str:
    """A peer in a process of its own: some crash on some files."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function(*arguments)))
    child.start()
    sender.close()
    try:
        ratio, speed, left = receiver.recv()
    except EOFError:
        return f"crashed (exit {child.exitcode})"
    finally:
        child.join()
    return f"{ratio:6.2f}x  encode         {speed:6.0f} MB/s  left {left}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=120)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {load:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for modality, files in sorted(images(options.folder, options.most).items()):
            size = sum(map(len, files)) / 1e6
            print(f"\n{modality}: {len(files)} files, {size:.1f} MB")
            for codec in (*CODECS, "deflate"):
                ratio, packing, unpacking, left = ours(codec, files)
                print(
                    f"  Hevesy {codec:<14} {ratio:6.2f}x  pack and prove {packing:6.0f} MB/s"
                    f"  unpack {unpacking:6.0f} MB/s  left {left}"
                )
            for title, convert, start_s in peers():
                print(
                    f"  {title:<21} {apart(peer, convert, start_s, files, Path(name))}", flush=True
                )


if __name__ == "__main__":
    main()
