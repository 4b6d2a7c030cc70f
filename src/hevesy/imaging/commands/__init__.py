"""The command line of imaging: `hevesy image VERB …`, usable without Django.

Each verb is a module of its own with a docstring (its help), `add_arguments(parser)` and
`run(arguments) -> int` (the exit status). Answers go to stdout (JSON with `--json`, keys are
English terms with units in the name), progress and complaints to stderr. Every JSON object has
`status`: `ok`, or `refused` with `reason`, `text_en` and `text_zh`. Exit status: 0 done, 1 the
answer is a refusal or nothing could be computed, 2 the call was wrong (also: a file that is not
there).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.refusal import Refused

VERBS: Final[dict[str, str]] = {
    "analyse": "Analyse a study (renogram, GFR, …): numbers, findings and a plot.",
    "lesions": "All lesions of a whole-body PET: table, classes, places, sums.",
    "measure": "Measures of drawn regions (SEG, RTSTRUCT, NIfTI) on a PET or CT series.",
    "mip": "Rotating MIP of a PET or SPECT series as a movie, alone or over its CT.",
    "reconstruct": "Reconstruct SPECT projections into slices.",
    "register": "Where one series lies on another: a 4x4 matrix, and whether to trust it.",
    "render": "Tissues of a CT in three dimensions, a PET glowing in them: still or movie.",
    "retrain": "Score weights of the lesion table from what readers accepted and rejected.",
    "slice": "Slices and slabs in any plane, fused if wanted: still, movie or thumbnail.",
    "suv": "SUV of the PET series in a folder: factor, smallest, median and largest value.",
}
# Refusals that are the caller's mistake and not a fact about images.
_WRONG_CALLS: Final = frozenset({"no_such_file", "file_unusable", "wrong_call"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    parser = argparse.ArgumentParser(prog="hevesy image", description="Numbers from images.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    given = list(sys.argv[1:] if arguments is None else arguments)
    for name, help_text in VERBS.items():
        own = verbs.add_parser(name, help=help_text, description=help_text)
        # Only the verb that is called is imported: the others may need much more of the library.
        if name in given[:1]:
            import_module(f"{__name__}.{name}").add_arguments(own)
    as_json = "--json" in given
    try:
        parsed = parser.parse_args(given)
        return int(import_module(f"{__name__}.{parsed.verb}").run(parsed))
    except (Refused, ImageRefused) as refusal:
        return _refuse(refusal, as_json=as_json)
    except OSError as error:
        return _refuse(_unusable(error), as_json=as_json)
    except SystemExit as ended:
        # argparse has told on stderr what was wrong, and ends so for --help too.
        if ended.code == 2 and as_json:
            answer(told_of(wrong_call("The call is wrong; see stderr or --help.")))
        raise


def _refuse(refusal: Refused | ImageRefused, *, as_json: bool) -> int:
    if as_json:
        answer(told_of(refusal))
    complain(f"{refusal.text_en} {refusal.text_zh} [{refusal.key}] {refusal.detail}".rstrip())
    return 2 if refusal.key in _WRONG_CALLS else 1


def told_of(refusal: Refused | ImageRefused) -> dict[str, Any]:
    """The answer that says why there is none."""
    return {
        "status": "refused",
        "reason": refusal.key,
        "text_en": refusal.text_en,
        "text_zh": refusal.text_zh,
    }


def existing(*paths: Path | None) -> None:
    """Raise `Refused` (`no_such_file`) for the first path that is given and not there."""
    for path in paths:
        if path is not None and not path.exists():
            raise _unusable(FileNotFoundError(2, "", str(path)))


def wrong_call(text_en: str) -> Refused:
    """The refusal of options that do not fit together, to be raised."""
    return Refused("wrong_call", text_en, "命令行参数有误，请查看 --help。")


def _unusable(error: OSError) -> Refused:
    name = error.filename or error
    if isinstance(error, FileNotFoundError):
        return Refused(
            "no_such_file",
            f"There is no file or folder {name}; check the path.",
            f"没有文件或文件夹 {name}，请检查路径。",
        )
    return Refused(
        "file_unusable",
        f"{name} cannot be read or written: {error.strerror or error}.",
        f"{name} 无法读取或写入，请检查路径和权限。",
    )


def answer(values: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print an answer as JSON; not-a-number, which JSON has no word for, is refused."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def complain(text: str) -> None:
    """Tell a person something on stderr."""
    sys.stderr.write(text + "\n")
