"""Draw gatedspect.png of the documentation: a heart with an inferior defect, of known volumes."""

from pathlib import Path

from hevesy.imaging.analyse.gatedspect import analyse_gated_spect
from hevesy.imaging.analyse.plots import write_picture
from hevesy.imaging.phantoms.heart import make_beating_heart

heart = make_beating_heart(defect=(50.0, 130.0, 0.35))
found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0)
write_picture(found, Path(__file__).with_name("gatedspect.png"))
