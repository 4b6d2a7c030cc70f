import type { DisplayScale } from "./displayScale";
import { shownValue } from "./displayScale";
import { transformPoint } from "./mat4";
import type { EllipseRoi, RegionStatistics } from "./measurement";
import { layerMm } from "./planes";
import { along, cross, dot, normalise, subtract, type Vec3 } from "./vec3";
import type { VoxelGrid } from "./voxelGrid";

export type EllipseShape = Pick<EllipseRoi, "centre" | "axisU" | "axisV" | "radiusUMm" | "radiusVMm">;

/** What a scan over voxels gathers, in stored units. */
interface Tally {
  count: number;
  sum: number;
  squares: number;
  max: number;
  min: number;
  maxIjk: Vec3;
}

/**
 * Statistics over the voxels whose centres lie within half a layer of the ellipse's plane and inside the ellipse; on a plane
 * along the grid that is its nearest slice. No interpolation. An ellipse that holds no centre takes the voxel nearest to its
 * own. The same sampling as the server's `imaging.quantify.roi`, which has the last word: this one only follows the pointer.
 * Null outside the volume.
 */
export function ellipseStatistics(grid: VoxelGrid, scale: DisplayScale, roi: EllipseShape): RegionStatistics | null {
  const tally = scan(grid, roi);
  if (tally.count === 0) {
    const voxel = grid.nearest(roi.centre);
    if (!voxel) return null;
    add(tally, voxel.stored, voxel.ijk);
  }
  const mean = tally.sum / tally.count;
  // Squares of int16 summed stay exact far beyond any region: nothing is lost in the difference.
  const variance = Math.max(0, tally.squares / tally.count - mean * mean);
  return {
    units: scale.units,
    max: shownValue(scale, tally.max),
    mean: shownValue(scale, mean),
    min: shownValue(scale, tally.min),
    std: Math.sqrt(variance) * Math.abs(scale.slope * scale.factor),
    voxels: tally.count,
    areaMm2: Math.PI * roi.radiusUMm * roi.radiusVMm,
    maxAt: transformPoint(grid.ijkToLps, tally.maxIjk),
  };
}

function scan(grid: VoxelGrid, roi: EllipseShape): Tally {
  const normal = normalise(cross(roi.axisU, roi.axisV));
  const layer = layerMm(grid.ijkToLps, normal);
  // Half open, so that a plane midway between two slices takes one of them and not both; a millionth absorbs rounding.
  const nudge = 1e-6 * layer;
  const tally: Tally = { count: 0, sum: 0, squares: 0, max: -Infinity, min: Infinity, maxIjk: [0, 0, 0] };
  const { low, high } = indexRange(grid, roi, normal, layer / 2);
  const [nx, ny] = grid.shape;
  for (let k = low[2]; k <= high[2]; k++) {
    for (let j = low[1]; j <= high[1]; j++) {
      for (let i = low[0]; i <= high[0]; i++) {
        const d = subtract(transformPoint(grid.ijkToLps, [i, j, k]), roi.centre);
        const off = dot(d, normal);
        if (off <= -layer / 2 + nudge || off > layer / 2 + nudge) continue;
        const u = dot(d, roi.axisU) / roi.radiusUMm;
        const v = dot(d, roi.axisV) / roi.radiusVMm;
        if (u * u + v * v <= 1) add(tally, grid.stored[(k * ny + j) * nx + i]!, [i, j, k]);
      }
    }
  }
  return tally;
}

function add(tally: Tally, stored: number, ijk: Vec3): void {
  tally.count++;
  tally.sum += stored;
  tally.squares += stored * stored;
  if (stored < tally.min) tally.min = stored;
  if (stored > tally.max) {
    tally.max = stored;
    tally.maxIjk = ijk;
  }
}

/** Indices that a box round the ellipse can hold, cut to the grid. */
function indexRange(grid: VoxelGrid, roi: EllipseShape, normal: Vec3, half: number): { low: Vec3; high: Vec3 } {
  const origin = transformPoint(grid.lpsToIjk, roi.centre);
  const tips = [along(roi.centre, roi.axisU, roi.radiusUMm), along(roi.centre, roi.axisV, roi.radiusVMm)];
  tips.push(along(roi.centre, normal, half));
  const reaches = tips.map((tip) => subtract(transformPoint(grid.lpsToIjk, tip), origin));
  const reach = (axis: 0 | 1 | 2) => reaches.reduce((sum, tip) => sum + Math.abs(tip[axis]), 1e-3);
  const low = (axis: 0 | 1 | 2) => Math.max(0, Math.floor(origin[axis] - reach(axis)));
  const high = (axis: 0 | 1 | 2) => Math.min(grid.shape[axis] - 1, Math.ceil(origin[axis] + reach(axis)));
  return { low: [low(0), low(1), low(2)], high: [high(0), high(1), high(2)] };
}
