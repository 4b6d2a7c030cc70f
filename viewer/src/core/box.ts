import { transformPoint } from "./mat4";
import type { Vec3 } from "./vec3";
import type { VoxelGrid } from "./voxelGrid";

/** An upright box in LPS, mm. */
export interface Box {
  readonly min: Vec3;
  readonly max: Vec3;
}

export function union(a: Box, b: Box): Box {
  return {
    min: [Math.min(a.min[0], b.min[0]), Math.min(a.min[1], b.min[1]), Math.min(a.min[2], b.min[2])],
    max: [Math.max(a.max[0], b.max[0]), Math.max(a.max[1], b.max[1]), Math.max(a.max[2], b.max[2])],
  };
}

export function boxCentre(box: Box): Vec3 {
  return [(box.min[0] + box.max[0]) / 2, (box.min[1] + box.max[1]) / 2, (box.min[2] + box.max[2]) / 2];
}

export function clampToBox(box: Box, p: Vec3): Vec3 {
  const at = (n: 0 | 1 | 2) => Math.min(box.max[n], Math.max(box.min[n], p[n]));
  return [at(0), at(1), at(2)];
}

/** Box round the voxels from index `low` to `high` inclusive, voxel borders included. */
export function gridBox(grid: VoxelGrid, low: Vec3 = [0, 0, 0], high?: Vec3): Box {
  const top: Vec3 = high ?? [grid.shape[0] - 1, grid.shape[1] - 1, grid.shape[2] - 1];
  let box: Box | null = null;
  for (let corner = 0; corner < 8; corner++) {
    const ijk: Vec3 = [
      corner & 1 ? top[0] + 0.5 : low[0] - 0.5,
      corner & 2 ? top[1] + 0.5 : low[1] - 0.5,
      corner & 4 ? top[2] + 0.5 : low[2] - 0.5,
    ];
    const p = transformPoint(grid.ijkToLps, ijk);
    box = box ? union(box, { min: p, max: p }) : { min: p, max: p };
  }
  return box as Box;
}

/**
 * Box round the patient: PET fields of view are 700 mm wide and mostly air, so fitting pictures to the field wastes the screen.
 * A plane of the grid belongs to the body when more than 0.4 % of its voxels lie above `threshold` (stored units).
 */
export function bodyBox(grid: VoxelGrid, threshold: number): Box {
  const [nx, ny, nz] = grid.shape;
  const counts = [new Float64Array(nx), new Float64Array(ny), new Float64Array(nz)] as const;
  let n = 0;
  for (let k = 0; k < nz; k++) {
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++, n++) {
        if (grid.stored[n]! <= threshold) continue;
        counts[0][i]!++;
        counts[1][j]!++;
        counts[2][k]!++;
      }
    }
  }
  const low: number[] = [];
  const high: number[] = [];
  for (const axis of [0, 1, 2] as const) {
    const enough = (0.004 * nx * ny * nz) / grid.shape[axis];
    const first = counts[axis].findIndex((count) => count > enough);
    if (first < 0) return gridBox(grid);
    low.push(first);
    high.push(counts[axis].findLastIndex((count) => count > enough));
  }
  return gridBox(grid, low as unknown as Vec3, high as unknown as Vec3);
}
