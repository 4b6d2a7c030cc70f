import type { DisplayScale } from "./displayScale";
import { shownValue } from "./displayScale";
import { transformPoint } from "./mat4";
import type { EllipseRoi, RegionStatistics } from "./measurement";
import { sliceThickness } from "./planes";
import { along, cross, dot, normalise, subtract, type Vec3 } from "./vec3";
import type { VoxelGrid } from "./voxelGrid";

export type EllipseShape = Pick<EllipseRoi, "centre" | "axisU" | "axisV" | "radiusUMm" | "radiusVMm">;

/**
 * Statistics over the voxels whose centres lie within half a slice of the ellipse's plane and inside the ellipse.
 * On a plane along the grid that is the slice nearest to it. No interpolation. The same sampling as the server's, which has the
 * last word: this one only follows the pointer. Null when no voxel centre is inside.
 */
export function ellipseStatistics(grid: VoxelGrid, scale: DisplayScale, roi: EllipseShape): RegionStatistics | null {
  const normal = normalise(cross(roi.axisU, roi.axisV));
  const half = sliceThickness(grid.ijkToLps, normal) / 2;
  const centre = onNearestSlice(grid, roi.centre, normal);
  const { low, high } = indexRange(grid, centre, roi, normal, half);
  const [nx, ny] = grid.shape;
  const m = grid.ijkToLps;
  let count = 0;
  let sum = 0;
  let squares = 0;
  let max = Number.NEGATIVE_INFINITY;
  let min = Number.POSITIVE_INFINITY;
  let maxIjk: Vec3 = [0, 0, 0];
  for (let k = low[2]; k <= high[2]; k++) {
    for (let j = low[1]; j <= high[1]; j++) {
      for (let i = low[0]; i <= high[0]; i++) {
        const d: Vec3 = [
          m[0] * i + m[1] * j + m[2] * k + m[3] - centre[0],
          m[4] * i + m[5] * j + m[6] * k + m[7] - centre[1],
          m[8] * i + m[9] * j + m[10] * k + m[11] - centre[2],
        ];
        // Half open, so that a plane midway between two slices takes one of them and not both.
        const off = dot(d, normal);
        if (off >= half - 1e-6 || off < -half - 1e-6) continue;
        const u = dot(d, roi.axisU) / roi.radiusUMm;
        const v = dot(d, roi.axisV) / roi.radiusVMm;
        if (u * u + v * v > 1) continue;
        const stored = grid.stored[(k * ny + j) * nx + i]!;
        count++;
        sum += stored;
        squares += stored * stored;
        if (stored > max) {
          max = stored;
          maxIjk = [i, j, k];
        }
        if (stored < min) min = stored;
      }
    }
  }
  if (count === 0) return null;
  const mean = sum / count;
  // Whole numbers up to 2^15 squared and summed stay exact far beyond any region: no loss in the difference.
  const variance = Math.max(0, squares / count - mean * mean);
  const ends = [shownValue(scale, max), shownValue(scale, min)];
  return {
    units: scale.units,
    max: Math.max(...ends),
    mean: shownValue(scale, mean),
    min: Math.min(...ends),
    std: Math.sqrt(variance) * Math.abs(scale.slope * scale.factor),
    voxels: count,
    areaMm2: Math.PI * roi.radiusUMm * roi.radiusVMm,
    maxAt: transformPoint(m, maxIjk),
  };
}

/** For a plane along the grid: the centre moved into the middle of the nearest slice. An oblique plane stays where it is. */
function onNearestSlice(grid: VoxelGrid, centre: Vec3, normal: Vec3): Vec3 {
  for (const axis of [0, 1, 2] as const) {
    const along_ = dot(grid.axis(axis), normal);
    if (Math.abs(along_) < 1 - 1e-4) continue;
    const at = transformPoint(grid.lpsToIjk, centre)[axis];
    const shift = (Math.round(at) - at) * grid.spacingMm[axis] * Math.sign(along_);
    return along(centre, normal, shift);
  }
  return centre;
}

function indexRange(
  grid: VoxelGrid,
  centre: Vec3,
  roi: EllipseShape,
  normal: Vec3,
  half: number,
): { low: Vec3; high: Vec3 } {
  const origin = transformPoint(grid.lpsToIjk, centre);
  const reach: number[] = [0, 0, 0];
  for (const [direction, size] of [
    [roi.axisU, roi.radiusUMm],
    [roi.axisV, roi.radiusVMm],
    [normal, half],
  ] as const) {
    const tip = subtract(transformPoint(grid.lpsToIjk, along(centre, direction, size)), origin);
    for (const axis of [0, 1, 2] as const) reach[axis]! += Math.abs(tip[axis]);
  }
  const clamp = (value: number, axis: 0 | 1 | 2) => Math.min(grid.shape[axis] - 1, Math.max(0, value));
  const at = (sign: 1 | -1, axis: 0 | 1 | 2) =>
    clamp(sign > 0 ? Math.ceil(origin[axis] + reach[axis]!) : Math.floor(origin[axis] - reach[axis]!), axis);
  return { low: [at(-1, 0), at(-1, 1), at(-1, 2)], high: [at(1, 0), at(1, 1), at(1, 2)] };
}
