"""Generated patients with known truth, for tests, demonstrations and training."""

from hevesy.imaging.phantoms.fdg import (
    Lesion,
    PhantomPair,
    bronchial_carcinoma,
    make_fdg_phantom,
)

__all__ = ["Lesion", "PhantomPair", "bronchial_carcinoma", "make_fdg_phantom"]
