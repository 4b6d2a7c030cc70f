import { type Mat4, transformDirection, transformPoint } from "./mat4";
import { along, dot, type Vec3 } from "./vec3";
import type { VoxelGrid } from "./voxelGrid";

export type Orientation = "axial" | "coronal" | "sagittal";
export const ORIENTATIONS: readonly Orientation[] = ["axial", "coronal", "sagittal"];

export interface Plane {
  readonly right: Vec3;
  readonly down: Vec3;
  /** Direction of the next slice: slices are counted from the head, from the front, from the patient's right. */
  readonly forward: Vec3;
}

/** Radiological view: the patient's right is on the left of axial and coronal pictures; sagittal pictures look from the left, front on the left. */
export const PLANES: Readonly<Record<Orientation, Plane>> = {
  axial: { right: [1, 0, 0], down: [0, 1, 0], forward: [0, 0, -1] },
  coronal: { right: [1, 0, 0], down: [0, 0, -1], forward: [0, 1, 0] },
  sagittal: { right: [0, 1, 0], down: [0, 0, -1], forward: [1, 0, 0] },
};

/** View of the MIP turned by an angle: 0° from the front. */
export function mipPlane(degrees: number): Plane {
  const angle = (degrees * Math.PI) / 180;
  return {
    right: [Math.cos(angle), Math.sin(angle), 0],
    down: [0, 0, -1],
    forward: [-Math.sin(angle), Math.cos(angle), 0],
  };
}

/** Which side of the patient a direction points to: "L", "P", "H", or two letters when it is clearly between two. */
export function directionLetters(direction: Vec3): string {
  const parts = [
    { letter: direction[0] > 0 ? "L" : "R", size: Math.abs(direction[0]) },
    { letter: direction[1] > 0 ? "P" : "A", size: Math.abs(direction[1]) },
    { letter: direction[2] > 0 ? "H" : "F", size: Math.abs(direction[2]) },
  ];
  parts.sort((a, b) => b.size - a.size);
  return parts
    .filter((part, rank) => rank === 0 || (rank === 1 && part.size > 0.3))
    .map((part) => part.letter)
    .join("");
}

interface GridAxis {
  readonly axis: 0 | 1 | 2;
  readonly sign: 1 | -1;
  readonly count: number;
}

/** The axis of the grid that runs most nearly along a direction. */
function axisAlong(grid: VoxelGrid, direction: Vec3): GridAxis {
  let best: GridAxis = { axis: 0, sign: 1, count: grid.shape[0] };
  let most = -1;
  for (const axis of [0, 1, 2] as const) {
    const share = dot(grid.axis(axis), direction);
    if (Math.abs(share) > most) {
      most = Math.abs(share);
      best = { axis, sign: share < 0 ? -1 : 1, count: grid.shape[axis] };
    }
  }
  return best;
}

export interface SlicePosition {
  /** Counted from 1 in the plane's forward direction. */
  readonly index: number;
  readonly count: number;
}

export function slicePosition(grid: VoxelGrid, forward: Vec3, lps: Vec3): SlicePosition {
  const { axis, sign, count } = axisAlong(grid, forward);
  const at = Math.min(count - 1, Math.max(0, Math.round(transformPoint(grid.lpsToIjk, lps)[axis])));
  return { index: (sign > 0 ? at : count - 1 - at) + 1, count };
}

/** The point moved along `forward` so that it lies in the centre of the slice `steps` further on; it stays inside the grid. */
export function stepSlices(grid: VoxelGrid, forward: Vec3, lps: Vec3, steps: number): Vec3 {
  const { axis, sign, count } = axisAlong(grid, forward);
  const at = transformPoint(grid.lpsToIjk, lps)[axis];
  const target = Math.min(count - 1, Math.max(0, Math.round(at) + sign * steps));
  const perMm = transformDirection(grid.lpsToIjk, forward)[axis];
  return along(lps, forward, (target - at) / perMm);
}

/** Distance in mm between voxel layers along a unit direction; across an oblique plane, the voxel's largest extent. */
export function layerMm(ijkToLps: Mat4, normal: Vec3): number {
  const m = ijkToLps;
  return Math.max(
    Math.abs(m[0] * normal[0] + m[4] * normal[1] + m[8] * normal[2]),
    Math.abs(m[1] * normal[0] + m[5] * normal[1] + m[9] * normal[2]),
    Math.abs(m[2] * normal[0] + m[6] * normal[1] + m[10] * normal[2]),
  );
}
