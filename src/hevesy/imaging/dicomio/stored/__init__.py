"""Images stored smaller without losing a bit: the received data set comes back byte for byte.

`pack_file` makes a DICOM file in a lossless transfer syntax and proves that `unpack` gives the received data set;
`unpack` gives it. Nothing here trusts what it was told: what cannot be proved is not packed (`NotPacked`).
"""

from hevesy.imaging.dicomio.stored.codecs import CODECS, Codec
from hevesy.imaging.dicomio.stored.form import (
    NotPacked,
    Packed,
    is_packed,
    pack,
    pack_file,
    unpack,
)

__all__ = ["CODECS", "Codec", "NotPacked", "Packed", "is_packed", "pack", "pack_file", "unpack"]
