import { IDENTITY } from "../core/mat4";
import { texelScale, toTexels } from "../core/texels";
import { VoxelGrid } from "../core/voxelGrid";
import type { Backend } from "./backend";
import type { SliceScene } from "./scene";

/**
 * Draws a small known volume and compares with the formula: drivers exist that filter 3D textures wrongly or show black, and a
 * reader cannot see that. Returns what is wrong, or null.
 */
export function selfTest(backend: Backend): string | null {
  const key = "self-test";
  const shape = [4, 3, 2] as const;
  const stored = Int16Array.from(
    { length: 24 },
    (_, n) => (n % 4) * 40 + (Math.floor(n / 4) % 3) * 10 + Math.floor(n / 12) * 5,
  );
  try {
    const scale = texelScale(1, 0, [0, 255]);
    const grid = new VoxelGrid(shape, IDENTITY, stored);
    const upload = backend.begin(key, { shape, ijkToLps: IDENTITY, scale });
    upload.slices(0, 2, backend.texelFormat === "none" ? null : toTexels(stored, scale, backend.texelFormat));
    upload.finish(grid);
    const scene: SliceScene = {
      kind: "slice",
      rect: { x: 0, y: 0, width: 12, height: 8 },
      cross: null,
      view: {
        centre: [1.5, 1, 0.5],
        right: [1, 0, 0],
        down: [0, 1, 0],
        forward: [0, 0, 1],
        mmPerPixel: 0.25,
        width: 12,
        height: 8,
      },
      base: { volume: key, factor: 1, window: [0, 255], map: "grey", inverted: false },
      overlay: null,
      slab: null,
    };
    const { data } = backend.pixels(scene);
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 12; x++) {
        const expected = grid.sampleIjk(1.5 + (x - 5.5) * 0.25, 1 + (y - 3.5) * 0.25, 0.5);
        const got = data[(y * 12 + x) * 4]!;
        // Graphics filter with 8-bit weights: a step of 40 may be off by 0.2, and rounding adds a half.
        if (Math.abs(got - expected) > 1.2) return `pixel ${x},${y}: ${got}, not ${expected.toFixed(1)}`;
      }
    }
    return null;
  } catch (error) {
    return String(error);
  } finally {
    backend.drop(key);
  }
}
