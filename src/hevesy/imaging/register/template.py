"""A template of the standard space on a patient's head: affine, for heads differ in size and shape.

Between two examinations of one patient nothing may scale (`automatic`); between a patient and the
average of many people it must. Method as in `automatic`: mutual information, several starts, coarse
to fine, once from each side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from hevesy.imaging.geometry import Volume
from hevesy.imaging.register import gates
from hevesy.imaging.register.matrices import Matrix, inverse, moved, stretch
from hevesy.imaging.register.prepare import Mask, Prepared, halved, prepared
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import AFFINE, Gate, Registration
from hevesy.imaging.register.search import Images, Level, best_of

Progress = Callable[[float, str], None]

SOURCE: Final = (
    "Mattes 2003 mutual information, 12 parameters; gates: hevesy, docs/imaging/registration.md"
)
_COARSE: Final = Level(8.0, 1.0, 4.0, 0.1, 100)
# Small steps: with large ones the twelve parameters fall over into a mirror image or a flat head.
_AFFINE: Final = (Level(8.0, 1.0, 0.5, 0.02, 200), Level(4.0, 0.5, 0.25, 0.01, 100))
_PITCHES_DEGREES: Final = (0.0, -20.0, 20.0)
_HEAD_MM: Final = 180.0
_BESIDE_MM: Final = 16.0
MOST_HEAD_SCALE: Final = 0.30
MOST_HEAD_SHEAR: Final = 0.15


def register_to_template(
    template: Volume, patient: Volume, *, seed: int = 42, progress: Progress | None = None
) -> Registration:
    """Where a template lies on a patient: the answer's `moving_to_fixed` takes its points to the patient's.

    template: the average of a population in a standard space, of the same kind of uptake or contrast
    as the patient's series. patient: PET, SPECT, CT or MR that holds the whole brain; neck and
    shoulders may be there. Heads differ by 10 to 20 % from the usual templates, so that scales up to
    30 % are believed. No non-linear warp. progress: called with a fraction and a sentence. Raises
    `RegistrationRefused`.
    """
    furthest = 0.0

    def tell(fraction: float, text: str) -> None:
        nonlocal furthest
        furthest = max(furthest, fraction)
        if progress is not None:
            progress(furthest, text)

    tell(0.0, "preparing the volumes")
    fine = prepared(template, spacing_mm=4.0), prepared(patient, spacing_mm=4.0)
    coarse = halved(fine[0]), halved(fine[1])
    starts = _starts(*coarse)
    forward = _found(Images(*coarse), Images(*fine), starts, seed, tell)
    # The way back starts from its own guesses, or the gate would ask the answer about itself; but only
    # the part of the patient that the template covers can be compared.
    covered = [Images(pair[1], pair[0], where=_covered(*pair, forward)) for pair in (coarse, fine)]
    backward = _found(covered[0], covered[1], [inverse(s) for s in starts], seed + 1000, tell)
    points = fine[0].points(fine[0].body)
    off_mm = gates.inconsistency_mm(points, forward, backward)
    answer = (
        (forward + inverse(backward)) / 2.0 if off_mm < gates.MOST_INCONSISTENCY_MM else forward
    )
    images = Images(*fine)
    here = images.mutual_information(answer)
    share = gates.overlap(*coarse, answer, coarse[0].body)
    height = here / gates.rival(images, answer, beside_mm=_BESIDE_MM)
    tell(1.0, "judged")
    return Registration(
        answer,
        AFFINE,
        gates=(
            gates.overlap_gate(share),
            gates.peak_gate(height, _BESIDE_MM),
            gates.consistency_gate(off_mm),
            *_head_gates(answer),
        ),
        mutual_information_nat=here,
        consistency_mm=off_mm,
        overlap=share,
        fixed_frame_of_reference_uid=patient.frame_of_reference_uid,
        moving_frame_of_reference_uid=template.frame_of_reference_uid,
        source=SOURCE,
    )


def _found(coarse: Images, fine: Images, starts: list[Matrix], seed: int, tell: Progress) -> Matrix:
    """Rigid from every start, then affine from the best of them."""
    ends = best_of(coarse, starts, _COARSE, seed=seed, tell=lambda text: tell(0.1, text))
    if not ends:
        raise refused("no_match")
    end = ends[0].fixed_to_moving
    for images, level in zip((coarse, fine), _AFFINE, strict=True):
        tell(0.3, f"affine, {level.spacing_mm:g} mm")
        end = _climbed(images, end, level, seed)
    return end


def _climbed(images: Images, start: Matrix, level: Level, seed: int) -> Matrix:
    try:
        return images.climbed(start, level, seed=seed, affine=True).fixed_to_moving
    except RuntimeError as error:
        raise refused("no_match") from error


def _covered(template: Prepared, patient: Prepared, forward: Matrix) -> Mask:
    """Voxels of the patient that lie on the template's head or its rim."""
    rim = max(1, round(8.0 / template.spacing_mm))
    head = binary_dilation(template.body, iterations=rim)
    everywhere = np.ones_like(patient.body)
    places = moved(inverse(forward), patient.points(everywhere))
    return np.asarray(template.holds(places, head).reshape(patient.body.shape))


def _starts(template: Prepared, patient: Prepared) -> list[Matrix]:
    """Crown on crown, for a patient's series may hold the neck and a template does not; the chin up or down."""
    tops = [p.points(p.body) for p in (template, patient)]
    heads = [points[points[:, 2] > points[:, 2].max() - _HEAD_MM] for points in tops]
    middle = heads[0].mean(axis=0)
    starts = []
    for pitch in _PITCHES_DEGREES:
        start = np.eye(4)
        start[:3, :3] = Rotation.from_euler("x", pitch, degrees=True).as_matrix()
        start[:3, 3] = heads[1].mean(axis=0) - start[:3, :3] @ middle
        starts.append(start)
    return starts


def _head_gates(template_to_patient: Matrix) -> tuple[Gate, Gate]:
    scale, shear = stretch(template_to_patient)
    return (
        Gate(
            "head_scale", scale <= MOST_HEAD_SCALE, scale, MOST_HEAD_SCALE, "1",
            f"The head differs from the template by {scale:.0%}; at most {MOST_HEAD_SCALE:.0%} is"
            " believed.",
            f"头部与模板大小相差 {scale:.0%}，可信上限为 {MOST_HEAD_SCALE:.0%}。",
        ),
        Gate(
            "head_shear", shear <= MOST_HEAD_SHEAR, shear, MOST_HEAD_SHEAR, "1",
            f"The template is sheared by {shear:.2f}; at most {MOST_HEAD_SHEAR:g} is believed.",
            f"模板剪切 {shear:.2f}，可信上限为 {MOST_HEAD_SHEAR:g}。",
        ),
    )  # fmt: skip
