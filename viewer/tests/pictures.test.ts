import { describe, expect, it } from "vitest";
import { colourTable } from "../src/colour/maps";
import { windowIndex } from "../src/colour/windows";
import { frameAt, hottestPoint, type MipFrames, projectOnFrame } from "../src/core/mipFrames";
import { type SliceView, toWorld } from "../src/core/sliceView";
import type { Vec3 } from "../src/core/vec3";
import type { VoxelGrid } from "../src/core/voxelGrid";
import { CpuBackend } from "../src/render/cpu/cpuBackend";
import type { SliceScene } from "../src/render/scene";
import { selfTest } from "../src/render/selfTest";
import { gridOf, oblique, upright } from "./cast";

function backend(): CpuBackend {
  return new CpuBackend({ getContext: () => null } as unknown as HTMLCanvasElement);
}

function put(target: CpuBackend, key: string, grid: VoxelGrid): void {
  const scale = { slope: 1, intercept: 0, gain: 1 };
  target.begin(key, { shape: grid.shape, ijkToLps: grid.ijkToLps, scale }).finish(grid);
}

const view: SliceView = {
  centre: [20, 18, 15],
  right: [0.96, 0.28, 0],
  down: [-0.28, 0.96, 0],
  forward: [0, 0, 1],
  mmPerPixel: 1.3,
  width: 24,
  height: 20,
};
const rect = { x: 0, y: 0, width: 24, height: 20 };

function scene(alpha: number, threshold = 0): SliceScene {
  const base = { volume: "ct", factor: 1, window: [-135, 215] as const, map: "grey", inverted: false };
  const over = { volume: "pet", factor: 0.01, window: [0, 7] as const, map: "hot_iron", inverted: false };
  return { kind: "slice", rect, view, base, overlay: { ...over, alpha, threshold }, slab: null, cross: null };
}

const ct = gridOf([30, 30, 10], upright([1.4, 1.3, 3]), (i, j, k) => i * 14 - j * 9 + k * 5 - 60);
const pet = gridOf([14, 14, 9], oblique([4, 4, 4], [-10, -2, -8]), (i, j, k) => (i * 60 + j * 31 + k * 17) % 800);

describe("the processor's pictures", () => {
  it("blend linearly: (1 - alpha) base + alpha overlay, at every pixel, two volumes of different grids", () => {
    const b = backend();
    put(b, "ct", ct);
    put(b, "pet", pet);
    const grey = colourTable("grey", false);
    const hot = colourTable("hot_iron", false);
    let compared = 0;
    for (const alpha of [0, 0.25, 0.5, 0.75, 1]) {
      const { data } = b.pixels(scene(alpha, 1.5));
      for (let y = 0; y < 20; y++) {
        for (let x = 0; x < 24; x++) {
          const p = toWorld(view, x + 0.5, y + 0.5);
          const below = windowIndex(ct.trilinear(p) ?? -135, [-135, 215]) * 3;
          const value = pet.trilinear(p);
          const suv = value === null ? null : value * 0.01;
          for (let c = 0; c < 3; c++) {
            const under = grey[below + c]!;
            const shown = suv !== null && suv >= 1.5;
            const expected = shown ? under + (hot[windowIndex(suv, [0, 7]) * 3 + c]! - under) * alpha : under;
            expect(Math.abs(data[(y * 24 + x) * 4 + c]! - expected)).toBeLessThanOrEqual(0.5);
            compared++;
          }
        }
      }
    }
    expect(compared).toBe(5 * 480 * 3);
  });

  it("have the values of the volume in the raw picture", () => {
    const b = backend();
    put(b, "ct", ct);
    put(b, "pet", pet);
    const { data } = b.raw(scene(0.5));
    for (let n = 0; n < 480; n++) {
      const p = toWorld(view, (n % 24) + 0.5, Math.floor(n / 24) + 0.5);
      const value = ct.trilinear(p);
      expect(data[n * 4 + 2]).toBe(value === null ? 0 : 1);
      if (value !== null) expect(data[n * 4]).toBeCloseTo(value, 2);
    }
  });

  it("of a slab show its highest value, or its mean", () => {
    const b = backend();
    const ramp = gridOf([10, 10, 21], upright([2, 2, 1], [10, 10, 0]), (_i, _j, k) => k * 10);
    put(b, "ct", ramp);
    const one = { ...scene(0), overlay: null, view: { ...view, centre: [19, 19, 10] as Vec3, mmPerPixel: 0.2 } };
    const raw = (mode: "max" | "mean") =>
      b.raw({ ...one, slab: { samples: 11, stepMm: 1, mode } }).data[(10 * 24 + 12) * 4]!;
    expect(raw("max")).toBeCloseTo(150, 3);
    expect(raw("mean")).toBeCloseTo(100, 3);
  });

  it("pass the self-test, which a backend that draws wrongly does not", () => {
    expect(selfTest(backend())).toBeNull();
    const wrong = backend();
    const pixels = wrong.pixels.bind(wrong);
    wrong.pixels = (s) => {
      const picture = pixels(s);
      picture.data.fill(0);
      return picture;
    };
    expect(selfTest(wrong)).toMatch(/pixel/);
  });
});

describe("stored MIP frames", () => {
  const header = {
    ...{ frames: 72, width: 41, height: 61, degreesPerFrame: 5, spacingMm: 4, centre: [3, -7, 400] as Vec3 },
    ...{ units: "SUVbw", slope: 0.01, intercept: 0, url: "", depthUrl: "", depthSlopeMm: 0.1, depthInterceptMm: 0 },
  };

  it("lead from a pixel back to the point that was projected on it, at any angle", () => {
    for (const frame of [0, 7, 18, 36, 71]) {
      const depth = new Int16Array(72 * 61 * 41);
      const point: Vec3 = [23, 31, 350];
      const p = projectOnFrame(header, frame, point);
      const x = Math.round(p.x);
      const y = Math.round(p.y);
      depth[(frame * 61 + y) * 41 + x] = Math.round(p.depthMm / 0.1);
      const mip: MipFrames = { header, values: new Int16Array(depth.length), depth };
      const back = hottestPoint(mip, frame, p)!;
      // Half a pixel each way in the plane, half a depth step along the ray.
      expect(Math.hypot(back[0] - point[0], back[1] - point[1], back[2] - point[2])).toBeLessThan(2.9);
    }
  });

  it("are chosen by the nearest angle, round the circle", () => {
    expect([0, 2, 3, 358, -5, 725].map((degrees) => frameAt(header, degrees))).toEqual([0, 0, 1, 0, 71, 1]);
  });
});
