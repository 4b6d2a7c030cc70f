import { transformDirection, transformPoint } from "../../core/mat4";
import { toWorld } from "../../core/sliceView";
import { scale, type Vec3 } from "../../core/vec3";
import type { VoxelGrid } from "../../core/voxelGrid";
import type { SliceScene } from "../scene";

/** Trilinear values of one volume on the pixels of a view; NaN where the volume is not. Any plane. */
export function sampleVolume(
  grid: VoxelGrid,
  scene: Pick<SliceScene, "view" | "slab">,
  step: number,
  out: Float32Array,
): Float32Array {
  const { view, slab } = scene;
  const columns = Math.ceil(view.width / step);
  const rows = Math.ceil(view.height / step);
  const pixel = view.mmPerPixel * step;
  const origin = transformPoint(grid.lpsToIjk, toWorld(view, step / 2, step / 2));
  const dx = transformDirection(grid.lpsToIjk, scale(view.right, pixel));
  const dy = transformDirection(grid.lpsToIjk, scale(view.down, pixel));
  if (slab) {
    const dz = transformDirection(grid.lpsToIjk, scale(view.forward, slab.stepMm));
    return sampleSlab(grid, { origin, dx, dy, dz, columns, rows }, slab.samples, slab.mode === "mean", out);
  }
  const [nx, ny, nz] = grid.shape;
  for (let y = 0, n = 0; y < rows; y++) {
    let i = origin[0] + dy[0] * y;
    let j = origin[1] + dy[1] * y;
    let k = origin[2] + dy[2] * y;
    for (let x = 0; x < columns; x++, n++, i += dx[0], j += dx[1], k += dx[2]) {
      const there = i >= -0.5 && j >= -0.5 && k >= -0.5 && i <= nx - 0.5 && j <= ny - 0.5 && k <= nz - 0.5;
      out[n] = there ? grid.sampleIjk(i, j, k) : Number.NaN;
    }
  }
  return out;
}

interface Raster {
  readonly origin: Vec3;
  readonly dx: Vec3;
  readonly dy: Vec3;
  readonly dz: Vec3;
  readonly columns: number;
  readonly rows: number;
}

function sampleSlab(grid: VoxelGrid, raster: Raster, samples: number, mean: boolean, out: Float32Array): Float32Array {
  const { origin, dx, dy, dz, columns, rows } = raster;
  const [nx, ny, nz] = grid.shape;
  const middle = (samples - 1) / 2;
  for (let y = 0, n = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++, n++) {
      let most = Number.NEGATIVE_INFINITY;
      let sum = 0;
      let count = 0;
      for (let s = 0; s < samples; s++) {
        const i = origin[0] + dx[0] * x + dy[0] * y + dz[0] * (s - middle);
        const j = origin[1] + dx[1] * x + dy[1] * y + dz[1] * (s - middle);
        const k = origin[2] + dx[2] * x + dy[2] * y + dz[2] * (s - middle);
        if (i < -0.5 || j < -0.5 || k < -0.5 || i > nx - 0.5 || j > ny - 0.5 || k > nz - 0.5) continue;
        const value = grid.sampleIjk(i, j, k);
        if (value > most) most = value;
        sum += value;
        count++;
      }
      out[n] = count === 0 ? Number.NaN : mean ? sum / count : most;
    }
  }
  return out;
}
