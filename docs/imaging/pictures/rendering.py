"""Draw rendering.png of the documentation: one phantom by volume rendering, slice and MIP."""

from pathlib import Path

import numpy as np
from PIL import Image

from hevesy.imaging.phantoms.fdg import make_fdg_phantom
from hevesy.imaging.render import View, coloured, fused_picture, rotating_mip, whole_view
from hevesy.imaging.render.colour import INVERSE_GREY
from hevesy.imaging.render.couch import without_couch
from hevesy.imaging.render.raycast import HalfSpace, cast, turntable
from hevesy.imaging.render.tissues import glow_looks, tissues_of

HIGH = 420

pair = make_fdg_phantom(1)
pet, (ct, _) = pair.pet, without_couch(pair.ct)
corners = ct.corners_lps()
low, high = corners.min(axis=0), corners.max(axis=0)
low[0], high[0] = -260, 260
glow = glow_looks()["hot"].glow(pet)
front, side = turntable(low, high, [0, 50], longest=HIGH)
body = cast(ct, front, tissues_of(["bone", "skin"]), glow=glow)
cut = cast(
    ct,
    side,
    tissues_of(["bone", "lung", "surface"]),
    glow=glow,
    keep=[HalfSpace((0.0, -1.0, 0.0), -float(ct.centre_lps[1]))],
)
middle = whole_view(ct, "coronal", longest=HIGH)
plane = View(middle.plane, middle.centre_lps, front.shape, front.spacing_mm)
fused = fused_picture(ct, pet, plane)
mip = Image.fromarray(coloured(rotating_mip(pet, frames=4).values[0], 0, 7, INVERSE_GREY))
mip = mip.resize((round(mip.width * HIGH / mip.height), HIGH))
edge = max(0, (mip.width - front.shape[1]) // 2)
mip = mip.crop((edge, 0, mip.width - edge, HIGH))
row = np.hstack([body.picture, cut.picture, fused, np.asarray(mip)])
Image.fromarray(row).quantize(200).save(Path(__file__).with_name("rendering.png"), optimize=True)
