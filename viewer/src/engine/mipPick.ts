import { frameAt, hottestPoint, projectOnFrame } from "../core/mipFrames";
import { type SliceView, toWorld } from "../core/sliceView";
import { along, dot, subtract, type Vec3 } from "../core/vec3";
import type { VoxelGrid } from "../core/voxelGrid";
import type { LoadedSeries } from "./loadedSeries";

/** The hottest voxel behind a pixel of the MIP: from the stored depth, refined in the volume; or by marching along the ray. */
export function pickHottest(series: LoadedSeries, view: SliceView, degrees: number, x: number, y: number): Vec3 | null {
  const world = toWorld(view, x, y);
  if (series.mip) {
    const frame = frameAt(series.mip.header, degrees);
    const pixel = projectOnFrame(series.mip.header, frame, world);
    const stored = hottestPoint(series.mip, frame, pixel);
    if (stored) return series.grid ? hottestNear(series.grid, stored, series.mip.header.spacingMm) : stored;
  }
  return series.grid ? march(series.grid, world, view.forward) : null;
}

/** The depth map is coarser than the volume: the hottest voxel close by is the one that was meant. */
function hottestNear(grid: VoxelGrid, lps: Vec3, reachMm: number): Vec3 {
  let best = lps;
  let most = grid.nearest(lps)?.stored ?? Number.NEGATIVE_INFINITY;
  const steps = grid.spacingMm.map((mm) => Math.min(2, Math.ceil(reachMm / mm)));
  const [a, b, c] = [grid.axis(0), grid.axis(1), grid.axis(2)];
  for (let i = -steps[0]!; i <= steps[0]!; i++) {
    for (let j = -steps[1]!; j <= steps[1]!; j++) {
      for (let k = -steps[2]!; k <= steps[2]!; k++) {
        let p = along(lps, a, i * grid.spacingMm[0]);
        p = along(p, b, j * grid.spacingMm[1]);
        p = along(p, c, k * grid.spacingMm[2]);
        const voxel = grid.nearest(p);
        if (voxel && voxel.stored > most) {
          most = voxel.stored;
          best = p;
        }
      }
    }
  }
  return best;
}

function march(grid: VoxelGrid, through: Vec3, direction: Vec3): Vec3 | null {
  const toMiddle = dot(subtract(grid.centre(), through), direction);
  const reach = Math.hypot(
    grid.shape[0] * grid.spacingMm[0],
    grid.shape[1] * grid.spacingMm[1],
    grid.shape[2] * grid.spacingMm[2],
  );
  // An eighth of a voxel: with half as many steps near-equal lesions along one ray were taken for each other.
  const step = Math.min(...grid.spacingMm) / 8;
  let best: Vec3 | null = null;
  let most = Number.NEGATIVE_INFINITY;
  for (let t = toMiddle - reach / 2; t <= toMiddle + reach / 2; t += step) {
    const p = along(through, direction, t);
    const value = grid.trilinear(p);
    if (value !== null && value > most) {
      most = value;
      best = p;
    }
  }
  return best;
}
