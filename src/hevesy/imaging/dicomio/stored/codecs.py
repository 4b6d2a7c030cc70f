"""The lossless codecs that stored images may have, by the name of the policy (measured in `bench/compression.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[Any]
"""One frame: (rows, columns), uint8, int8, uint16 or int16, little endian."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A transfer syntax, and how one frame becomes a code stream and comes back.

    encode(plane, bits_stored); decode(stream, shape, dtype, bits_stored).
    """

    transfer_syntax_uid: str
    encode: Callable[[Plane, int], bytes]
    decode: Callable[[bytes, tuple[int, int], np.dtype[Any], int], Plane]


def _unsigned(plane: Plane, bits: int) -> Plane:
    """The stored bits alone, as a code stream without a sign has them (PS3.5 §8.2.3)."""
    kind = np.dtype(f"<u{plane.dtype.itemsize}")
    mask = np.array((1 << bits) - 1, dtype=kind)
    return np.ascontiguousarray(plane.view(kind) & mask)


def _signed_again(stored: Plane, dtype: np.dtype[Any], bits: int) -> Plane:
    """Undo `_unsigned` for values whose upper bits repeated the sign."""
    if dtype.kind == "u":
        return stored.astype(dtype, copy=False)
    unused = 8 * dtype.itemsize - bits
    shifted = (stored.astype(stored.dtype, copy=True) << unused).view(dtype)
    return np.asarray(shifted >> unused)


def _encode_jpeg_ls(plane: Plane, bits: int) -> bytes:
    import jpeg_ls

    # The one encoder here that lets the precision of the code stream be Bits Stored (PS3.5 §8.2.3).
    rows, columns = plane.shape
    return bytes(jpeg_ls.encode_buffer(_unsigned(plane, bits).tobytes(), rows, columns, 1, bits))


def _decode_jpeg_ls(
    stream: bytes, shape: tuple[int, int], dtype: np.dtype[Any], bits: int
) -> Plane:
    import imagecodecs

    decoded = np.asarray(imagecodecs.jpegls_decode(stream))
    return _signed_again(decoded.astype(f"<u{dtype.itemsize}", copy=False), dtype, bits)


def _encode_jpeg_2000(plane: Plane, bits: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.jpeg2k_encode(plane, codecformat="j2k", reversible=True, level=0))


def _decode_jpeg_2000(
    stream: bytes, shape: tuple[int, int], dtype: np.dtype[Any], bits: int
) -> Plane:
    import imagecodecs

    return np.asarray(imagecodecs.jpeg2k_decode(stream)).astype(dtype, copy=False)


def _encode_htj2k(plane: Plane, bits: int) -> bytes:
    import imagecodecs

    return bytes(imagecodecs.htj2k_encode(plane))


def _decode_htj2k(stream: bytes, shape: tuple[int, int], dtype: np.dtype[Any], bits: int) -> Plane:
    import imagecodecs

    return np.asarray(imagecodecs.htj2k_decode(stream)).astype(dtype, copy=False)


def _encode_rle(plane: Plane, bits: int) -> bytes:
    from pydicom.pixels.encoders import RLELosslessEncoder

    rows, columns = plane.shape
    stream: bytes = RLELosslessEncoder.encode(
        plane.tobytes(),
        rows=rows,
        columns=columns,
        samples_per_pixel=1,
        number_of_frames=1,
        bits_allocated=8 * plane.dtype.itemsize,
        bits_stored=bits,
        pixel_representation=int(plane.dtype.kind == "i"),
        photometric_interpretation="MONOCHROME2",
        encoding_plugin="gdcm",
    )
    return stream


def _decode_rle(stream: bytes, shape: tuple[int, int], dtype: np.dtype[Any], bits: int) -> Plane:
    import imagecodecs

    raw = imagecodecs.dicomrle_decode(stream, dtype)
    return np.frombuffer(raw, dtype=dtype).reshape(shape)


CODECS: Final[dict[str, Codec]] = {
    "jpeg-ls": Codec("1.2.840.10008.1.2.4.80", _encode_jpeg_ls, _decode_jpeg_ls),
    "jpeg-2000": Codec("1.2.840.10008.1.2.4.90", _encode_jpeg_2000, _decode_jpeg_2000),
    "htj2k": Codec("1.2.840.10008.1.2.4.201", _encode_htj2k, _decode_htj2k),
    "rle": Codec("1.2.840.10008.1.2.5", _encode_rle, _decode_rle),
}
DEFLATE: Final = "deflate"
DEFLATED_TRANSFER_SYNTAX: Final = "1.2.840.10008.1.2.1.99"
