import { describe, expect, it } from "vitest";
import { type EllipseShape, ellipseStatistics } from "../src/core/ellipseStatistics";
import { transformPoint } from "../src/core/mat4";
import { cross, normalise, type Vec3 } from "../src/core/vec3";
import { gridOf, HU, oblique, upright } from "./cast";

const axial = (centre: Vec3, u: number, v: number): EllipseShape => ({
  centre,
  axisU: [1, 0, 0],
  axisV: [0, 1, 0],
  radiusUMm: u,
  radiusVMm: v,
});

describe("elliptical region", () => {
  it("of a uniform volume has that value and no spread", () => {
    const grid = gridOf([20, 20, 5], upright([2, 2, 4]), () => 37);
    const s = ellipseStatistics(grid, HU, axial([19, 19, 8], 10, 6))!;
    expect([s.max, s.mean, s.min, s.std]).toEqual([37, 37, 37, 0]);
    expect(s.areaMm2).toBeCloseTo(Math.PI * 60, 9);
  });

  it("of a linear gradient has the value at its centre as mean, and its ends as extremes", () => {
    const grid = gridOf([41, 41, 3], upright([1, 1, 3]), (i) => 10 * i);
    const s = ellipseStatistics(grid, HU, axial([20, 20, 3], 8, 5))!;
    expect(s.mean).toBeCloseTo(200, 9);
    expect([s.min, s.max]).toEqual([120, 280]);
    expect(s.maxAt).toEqual([28, 20, 3]);
  });

  it("of a circle of radius r counts the lattice points of Gauss's circle problem", () => {
    // N(r) for r = 0 … 12: OEIS A000328.
    const gauss = [1, 5, 13, 29, 49, 81, 113, 149, 197, 253, 317, 377, 441];
    const grid = gridOf([31, 31, 1], upright([1, 1, 1]), () => 1);
    for (let r = 1; r <= 12; r++) {
      expect(ellipseStatistics(grid, HU, axial([15, 15, 0], r + 1e-9, r + 1e-9))!.voxels).toBe(gauss[r]);
    }
  });

  it("of a checker board has the population's standard deviation", () => {
    const grid = gridOf([10, 10, 1], upright([1, 1, 1]), (i, j) => ((i + j) % 2) * 8);
    const s = ellipseStatistics(grid, HU, axial([4.5, 4.5, 0], 0.8, 0.8))!;
    expect([s.voxels, s.mean, s.std]).toEqual([4, 4, 4]);
  });

  it("takes the nearest slice only, and midway between two takes one", () => {
    const grid = gridOf([9, 9, 4], upright([1, 1, 5]), (_i, _j, k) => k * 100);
    expect(ellipseStatistics(grid, HU, axial([4, 4, 6.9], 3, 3))!.mean).toBe(100);
    expect(ellipseStatistics(grid, HU, axial([4, 4, 7.6], 3, 3))!.mean).toBe(200);
    // The server takes the layer on the side of u × v, here the one above.
    expect(ellipseStatistics(grid, HU, axial([4, 4, 7.5], 3, 3))!.mean).toBe(200);
  });

  it("smaller than a voxel takes the voxel it lies in; outside the volume it has no numbers", () => {
    const grid = gridOf([5, 5, 5], upright([4, 4, 4]), (i, j, k) => i + 10 * j + 100 * k);
    const s = ellipseStatistics(grid, HU, axial([9.5, 6.5, 8], 0.4, 0.4))!;
    expect([s.voxels, s.mean]).toEqual([1, 2 + 20 + 200]);
    expect(ellipseStatistics(grid, HU, axial([100, 0, 0], 3, 3))).toBeNull();
  });

  it("on an oblique plane equals a search over every voxel", () => {
    const m = oblique([1.2, 1.4, 2.5], [-12, 4, 30]);
    const grid = gridOf([18, 16, 12], m, (i, j, k) => (i * 37 + j * 101 + k * 53) % 499);
    const axisU = normalise([1, 0.5, -0.2]);
    const normal = normalise(cross(axisU, [0.3, 1, 0.4]));
    const axisV = cross(normal, axisU);
    const roi = { centre: transformPoint(m, [8.2, 7.7, 5.6]), axisU, axisV, radiusUMm: 7, radiusVMm: 4.5 };
    const along = (n: 0 | 1 | 2) =>
      Math.abs(m[n] * normal[0] + (m[4 + n] as number) * normal[1] + (m[8 + n] as number) * normal[2]);
    const layer = Math.max(along(0), along(1), along(2));
    const values: number[] = [];
    for (let k = 0; k < 12; k++)
      for (let j = 0; j < 16; j++)
        for (let i = 0; i < 18; i++) {
          const p = transformPoint(m, [i, j, k]);
          const d: Vec3 = [p[0] - roi.centre[0], p[1] - roi.centre[1], p[2] - roi.centre[2]];
          const on = (a: Vec3) => d[0] * a[0] + d[1] * a[1] + d[2] * a[2];
          if (Math.abs(on(normal)) <= layer / 2 && (on(axisU) / 7) ** 2 + (on(axisV) / 4.5) ** 2 <= 1)
            values.push((i * 37 + j * 101 + k * 53) % 499);
        }
    const s = ellipseStatistics(grid, HU, roi)!;
    expect(s.voxels).toBe(values.length);
    expect(s.max).toBe(Math.max(...values));
    expect(s.mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 9);
  });

  it("is scaled to SUV, spread included", () => {
    const suv = { slope: 10, intercept: 0, factor: 2e-4, units: "SUVbw", rawUnits: "Bq/mL", isSuv: true };
    const grid = gridOf([9, 9, 1], upright([1, 1, 1]), (i) => i * 1000);
    const s = ellipseStatistics(grid, suv, axial([4, 4, 0], 2, 0.5))!;
    expect(s.max).toBeCloseTo(12, 12);
    expect(s.mean).toBeCloseTo(8, 12);
    expect(s.std).toBeCloseTo(2 * Math.sqrt(2), 12);
  });
});
