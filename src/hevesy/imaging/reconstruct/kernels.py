"""Compiled inner loops of the SPECT model; each handles one view on one thread.

Layout: images are [y, x, z] and rotated images [depth, u, z], z contiguous, so that every inner
loop runs along z and vectorises. Depth 0 is nearest the detector. A view is described by `frame`,
eight numbers from `view_frame`: the image index (y, x) of the rotated origin, its steps per depth
and per u, the depth and u of the axis, so that the same numbers serve projection and its adjoint.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import kernel

Singles = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def view_frame(angle_deg: float, *, size: int, columns: int, axis_u: float) -> Doubles:
    """Where the rotated grid of one view lies in the image grid, (8,).

    The detector stands at (x, y) = (sin a, cos a) seen from the axis and its u axis runs along
    (-cos a, sin a): DICOM's start angle, 0 at the patient's back (+y), 90 at the left (+x), seen
    from the detector with the head up (PS3.3 C.8.4.12). size: of the square image in pixels;
    axis_u: column on which the axis of rotation is projected.
    """
    a = math.radians(angle_deg)
    sine, cosine = math.sin(a), math.cos(a)
    middle = (size - 1) / 2.0
    # One step in depth leads away from the detector, one step in u along the detector's rows.
    step = (-cosine, -sine, sine, -cosine)
    y = middle - middle * step[0] - axis_u * step[2]
    x = middle - middle * step[1] - axis_u * step[3]
    return np.array([y, x, *step, middle, axis_u], dtype=np.float64)


@kernel
def rotate_to_view(image: Singles, rotated: Singles, frame: Doubles, outside: float) -> None:
    """Bilinear resampling of the image into the frame of a view.

    Outside the inscribed circle, which not all views see, the value is `outside`.
    """
    size = image.shape[0]
    depths, columns, slices = rotated.shape
    radius = size / 2.0 - 0.5
    y0, x0, y_d, x_d, y_u, x_u = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    for d in range(depths):
        for u in range(columns):
            line = rotated[d, u]
            s, t = d - frame[6], u - frame[7]
            if s * s + t * t > radius * radius:
                for z in range(slices):
                    line[z] = outside
                continue
            y = min(max(y0 + d * y_d + u * y_u, 0.0), size - 1.001)
            x = min(max(x0 + d * x_d + u * x_u, 0.0), size - 1.001)
            iy, ix = int(y), int(x)
            fy, fx = y - iy, x - ix
            a = np.float32((1.0 - fy) * (1.0 - fx))
            b = np.float32((1.0 - fy) * fx)
            c = np.float32(fy * (1.0 - fx))
            e = np.float32(fy * fx)
            p, q = image[iy, ix], image[iy, ix + 1]
            r, w = image[iy + 1, ix], image[iy + 1, ix + 1]
            for z in range(slices):
                line[z] = a * p[z] + b * q[z] + c * r[z] + e * w[z]


@kernel
def transmit(half_steps: Singles) -> None:
    """In place: from exp(-mu pixel / 2) of each voxel to the fraction that reaches the detector.

    The fraction is that of the voxel's centre along the central ray: all voxels in front, and half
    of its own.
    """
    depths, columns, slices = half_steps.shape
    running = np.ones((columns, slices), dtype=np.float32)
    for d in range(depths):
        for u in range(columns):
            line, product = half_steps[d, u], running[u]
            for z in range(slices):
                half = line[z]
                line[z] = product[z] * half
                product[z] *= half * half


@kernel
def diffuse(plane: Singles, work: Singles, share_u: float, share_z: float) -> None:
    """Blur a plane (u, z) by three taps per axis, in place; its own adjoint.

    Each tap gives `share` of a pixel to either neighbour, which adds 2 share pixel^2 to the
    variance; what leaves the plane is lost.
    """
    columns, slices = plane.shape
    a, b = np.float32(share_u), np.float32(share_z)
    own_a, own_b = np.float32(1.0 - 2.0 * share_u), np.float32(1.0 - 2.0 * share_z)
    last = slices - 1
    for u in range(columns):
        line, out = plane[u], work[u]
        for z in range(1, last):
            out[z] = own_b * line[z] + b * (line[z - 1] + line[z + 1])
        if last > 0:
            out[0] = own_b * line[0] + b * line[1]
            out[last] = own_b * line[last] + b * line[last - 1]
        else:
            out[0] = own_b * line[0]
    for u in range(columns):
        line, out = work[u], plane[u]
        if 0 < u < columns - 1:
            before, after = work[u - 1], work[u + 1]
            for z in range(slices):
                out[z] = own_a * line[z] + a * (before[z] + after[z])
        else:
            beside = work[1] if u == 0 else work[columns - 2]
            for z in range(slices):
                out[z] = own_a * line[z] + a * beside[z]


@kernel
def gather(
    rotated: Singles, transmission: Singles, shares: Doubles, plane: Singles, work: Singles
) -> None:
    """Sum a rotated image onto `plane` (u, z), far to near, blurring a little at every step.

    transmission: as `transmit` leaves it, or of size 0 for none. shares: (depths, 2), the blur
    from each depth to the one before it (`diffuse`); all zero for none.
    """
    depths, columns, slices = rotated.shape
    attenuated = transmission.size > 0
    plane[:] = np.float32(0.0)
    for d in range(depths - 1, -1, -1):
        for u in range(columns):
            out, line = plane[u], rotated[d, u]
            if attenuated:
                through = transmission[d, u]
                for z in range(slices):
                    out[z] += line[z] * through[z]
            else:
                for z in range(slices):
                    out[z] += line[z]
        if shares[d, 0] > 0.0 or shares[d, 1] > 0.0:
            diffuse(plane, work, shares[d, 0], shares[d, 1])


@kernel
def spread(
    plane: Singles,
    transmission: Singles,
    shares: Doubles,
    frame: Doubles,
    image: Singles,
    work: Singles,
) -> None:
    """Add a plane (u, z) to the image: the exact adjoint of `rotate_to_view` then `gather`.

    The plane is used up.
    """
    size = image.shape[0]
    depths = shares.shape[0]
    columns, slices = plane.shape
    attenuated = transmission.size > 0
    radius = size / 2.0 - 0.5
    value = np.empty(slices, dtype=np.float32)
    y0, x0, y_d, x_d, y_u, x_u = frame[0], frame[1], frame[2], frame[3], frame[4], frame[5]
    for d in range(depths):
        if shares[d, 0] > 0.0 or shares[d, 1] > 0.0:
            diffuse(plane, work, shares[d, 0], shares[d, 1])
        for u in range(columns):
            s, t = d - frame[6], u - frame[7]
            if s * s + t * t > radius * radius:
                continue
            y = min(max(y0 + d * y_d + u * y_u, 0.0), size - 1.001)
            x = min(max(x0 + d * x_d + u * x_u, 0.0), size - 1.001)
            iy, ix = int(y), int(x)
            fy, fx = y - iy, x - ix
            a = np.float32((1.0 - fy) * (1.0 - fx))
            b = np.float32((1.0 - fy) * fx)
            c = np.float32(fy * (1.0 - fx))
            e = np.float32(fy * fx)
            line = plane[u]
            if attenuated:
                through = transmission[d, u]
                for z in range(slices):
                    value[z] = line[z] * through[z]
            else:
                for z in range(slices):
                    value[z] = line[z]
            p, q = image[iy, ix], image[iy, ix + 1]
            r, w = image[iy + 1, ix], image[iy + 1, ix + 1]
            for z in range(slices):
                p[z] += a * value[z]
                q[z] += b * value[z]
                r[z] += c * value[z]
                w[z] += e * value[z]


@kernel
def back_project_lines(filtered: Singles, image: Singles, frame: Doubles, weight: float) -> None:
    """Add one filtered view (u, z) to the image by linear interpolation along u (FBP)."""
    size, _, slices = image.shape
    columns = filtered.shape[0]
    radius = size / 2.0 - 0.5
    middle = frame[6]
    y_u, x_u = frame[4], frame[5]
    for iy in range(size):
        for ix in range(size):
            y, x = iy - middle, ix - middle
            if y * y + x * x > radius * radius:
                continue
            u = frame[7] + y * y_u + x * x_u
            lower = math.floor(u)
            if lower < 0 or lower + 1 >= columns:
                continue
            b = np.float32(weight * (u - lower))
            a = np.float32(weight - weight * (u - lower))
            near, far, line = filtered[lower], filtered[lower + 1], image[iy, ix]
            for z in range(slices):
                line[z] += a * near[z] + b * far[z]
