import { invert, type Mat4, transformPoint } from "./mat4";
import { length, type Vec3 } from "./vec3";

export interface Voxel {
  readonly ijk: Vec3;
  readonly stored: number;
}

/** Stored int16 voxels on a regular grid: i fastest, then j, then k. Every number shown comes from here, never from a texture. */
export class VoxelGrid {
  readonly lpsToIjk: Mat4;
  /** Distance between neighbours along i, j, k in mm. */
  readonly spacingMm: Vec3;

  constructor(
    readonly shape: Vec3,
    readonly ijkToLps: Mat4,
    readonly stored: Int16Array,
  ) {
    if (stored.length !== shape[0] * shape[1] * shape[2]) throw new RangeError("voxel count does not fit the shape");
    this.lpsToIjk = invert(ijkToLps);
    const m = ijkToLps;
    this.spacingMm = [length([m[0], m[4], m[8]]), length([m[1], m[5], m[9]]), length([m[2], m[6], m[10]])];
  }

  /** Unit direction of grid axis 0, 1 or 2 in LPS. */
  axis(n: 0 | 1 | 2): Vec3 {
    const m = this.ijkToLps;
    const d = this.spacingMm[n];
    return [m[n] / d, (m[4 + n] as number) / d, (m[8 + n] as number) / d];
  }

  centre(): Vec3 {
    const [nx, ny, nz] = this.shape;
    return transformPoint(this.ijkToLps, [(nx - 1) / 2, (ny - 1) / 2, (nz - 1) / 2]);
  }

  /** Is the point inside the box of all voxels, borders half a voxel outside the outermost centres? */
  contains(lps: Vec3): boolean {
    const [i, j, k] = transformPoint(this.lpsToIjk, lps);
    const [nx, ny, nz] = this.shape;
    return i >= -0.5 && j >= -0.5 && k >= -0.5 && i <= nx - 0.5 && j <= ny - 0.5 && k <= nz - 0.5;
  }

  nearest(lps: Vec3): Voxel | null {
    if (!this.contains(lps)) return null;
    const p = transformPoint(this.lpsToIjk, lps);
    const [nx, ny, nz] = this.shape;
    const at = (x: number, n: number) => Math.min(n - 1, Math.max(0, Math.round(x)));
    const ijk: Vec3 = [at(p[0], nx), at(p[1], ny), at(p[2], nz)];
    return { ijk, stored: this.stored[(ijk[2] * ny + ijk[1]) * nx + ijk[0]]! };
  }

  /** Trilinear value in stored units; outside the outermost centres the border value continues; null outside the box. */
  trilinear(lps: Vec3): number | null {
    return this.contains(lps) ? this.sampleIjk(...transformPoint(this.lpsToIjk, lps)) : null;
  }

  /** Trilinear value at a fractional index, clamped to the grid. */
  sampleIjk(x: number, y: number, z: number): number {
    const [nx, ny, nz] = this.shape;
    const i = Math.min(nx - 1, Math.max(0, x));
    const j = Math.min(ny - 1, Math.max(0, y));
    const k = Math.min(nz - 1, Math.max(0, z));
    const i0 = Math.floor(i);
    const j0 = Math.floor(j);
    const k0 = Math.floor(k);
    const fi = i - i0;
    const fj = j - j0;
    const fk = k - k0;
    const di = i0 < nx - 1 ? 1 : 0;
    const dj = j0 < ny - 1 ? nx : 0;
    const dk = k0 < nz - 1 ? nx * ny : 0;
    const s = this.stored;
    const o = (k0 * ny + j0) * nx + i0;
    const near = lerp(lerp(s[o]!, s[o + di]!, fi), lerp(s[o + dj]!, s[o + dj + di]!, fi), fj);
    const p = o + dk;
    const far = lerp(lerp(s[p]!, s[p + di]!, fi), lerp(s[p + dj]!, s[p + dj + di]!, fi), fj);
    return lerp(near, far, fk);
  }
}

function lerp(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
