import { describe, expect, it } from "vitest";
import { bodyBox, gridBox } from "../src/core/box";
import { fitMip, fitSlice, inView } from "../src/core/fit";
import { invert, multiply, transformPoint } from "../src/core/mat4";
import { directionLetters, layerMm, mipPlane, PLANES, slicePosition, stepSlices } from "../src/core/planes";
import { type SliceView, toPixel, toWorld } from "../src/core/sliceView";
import { cross, dot, normalise, type Vec3 } from "../src/core/vec3";
import { gridOf, oblique, upright } from "./cast";

const near = (a: Vec3, b: Vec3, digits = 9) => {
  for (const n of [0, 1, 2] as const) expect(a[n]).toBeCloseTo(b[n], digits);
};

describe("transforms", () => {
  it("an inverse brings every point back", () => {
    const m = oblique([0.9, 1.1, 3.3], [12, -40, 800]);
    near(transformPoint(invert(m), transformPoint(m, [3, -7, 11])), [3, -7, 11]);
    for (const [n, value] of multiply(m, invert(m)).entries()) expect(value).toBeCloseTo(n % 5 === 0 ? 1 : 0, 12);
  });

  it("a flat transform is refused", () => {
    expect(() => invert(upright([1, 1, 0]))).toThrow(RangeError);
  });
});

describe("views", () => {
  it("pixel and world are each other's inverse on an oblique plane", () => {
    const right = normalise([1, 0.4, 0.2]);
    const forward = normalise(cross(right, [0, 0, 1]));
    const down = cross(forward, right);
    const view: SliceView = { centre: [5, 6, 7], right, down, forward, mmPerPixel: 0.7, width: 320, height: 200 };
    const p = toPixel(view, toWorld(view, 17.5, 180.25));
    expect(p.x).toBeCloseTo(17.5, 9);
    expect(p.y).toBeCloseTo(180.25, 9);
    expect(p.distanceMm).toBeCloseTo(0, 9);
  });

  it("the patient's right is on the left of axial pictures and the front on the left of sagittal ones", () => {
    expect(directionLetters([-1, 0, 0])).toBe("R");
    expect(PLANES.axial.right).toEqual([1, 0, 0]);
    expect(directionLetters(PLANES.sagittal.right)).toBe("P");
    expect(directionLetters(normalise([0.1, -1, 0.9]))).toBe("AH");
  });

  it("the MIP's directions are perpendicular at any angle and 0° looks from the front", () => {
    for (const degrees of [0, 5, 90, 133, 355]) {
      const { right, down, forward } = mipPlane(degrees);
      expect(dot(right, forward)).toBeCloseTo(0, 12);
      near(cross(right, down), forward);
    }
    near(mipPlane(0).forward, [0, 1, 0]);
    near(mipPlane(0).right, [1, 0, 0]);
  });
});

describe("slices", () => {
  const grid = gridOf([10, 12, 20], upright([2, 2, 4], [-9, -11, 100]), () => 0);

  it("axial slices are counted from the head", () => {
    expect(slicePosition(grid, PLANES.axial.forward, [0, 0, 176])).toEqual({ index: 1, count: 20 });
    expect(slicePosition(grid, PLANES.axial.forward, [0, 0, 100])).toEqual({ index: 20, count: 20 });
  });

  it("a step lands in the middle of the next slice and stops at the ends", () => {
    near(stepSlices(grid, PLANES.axial.forward, [1, 2, 141.4], 1), [1, 2, 136]);
    near(stepSlices(grid, PLANES.axial.forward, [1, 2, 104], 50), [1, 2, 100]);
    near(stepSlices(grid, PLANES.coronal.forward, [1, 1, 141], -2), [1, -3, 141]);
  });

  it("on an oblique grid a step changes the index by one and moves along the plane's normal only", () => {
    const tilted = gridOf([30, 30, 30], oblique([2, 2, 4], [-30, -30, 0]), () => 0);
    const from = transformPoint(tilted.ijkToLps, [14.3, 15.2, 12]);
    const to = stepSlices(tilted, PLANES.axial.forward, from, 1);
    near([to[0], to[1], 0], [from[0], from[1], 0]);
    expect(Math.abs(transformPoint(tilted.lpsToIjk, to)[2] - 12)).toBeCloseTo(1, 9);
  });

  it("layers lie as far apart as slices along the grid", () => {
    expect(layerMm(grid.ijkToLps, [0, 0, -1])).toBeCloseTo(4, 12);
    expect(layerMm(grid.ijkToLps, [0, 1, 0])).toBeCloseTo(2, 12);
  });
});

describe("fitting", () => {
  const box = { min: [-200, -150, 0] as Vec3, max: [200, 150, 1000] as Vec3 };
  const request = { box, crosshair: [0, 0, 500] as Vec3, focus: [0, 0, 500] as Vec3, zoom: 1, pan: [0, 0] as const };

  it("shows the whole body in an axial cell", () => {
    const view = fitSlice("axial", { ...request, width: 400, height: 300 });
    for (const corner of [box.min, box.max]) expect(inView(view, [corner[0], corner[1], 500], 0)).toBe(true);
  });

  it("gives coronal and sagittal pictures one scale and the same height", () => {
    const coronal = fitSlice("coronal", { ...request, width: 300, height: 240 });
    const sagittal = fitSlice("sagittal", { ...request, width: 300, height: 240 });
    expect(coronal.mmPerPixel).toBe(sagittal.mmPerPixel);
    expect(coronal.centre[2]).toBe(sagittal.centre[2]);
  });

  it("follows the focus but shows nothing beyond the body's end", () => {
    const low = fitSlice("coronal", { ...request, focus: [0, 0, 0], width: 300, height: 240 });
    expect(toWorld(low, 150, 240)[2]).toBeGreaterThan(-30);
    const tall = fitSlice("coronal", { ...request, focus: [0, 0, 0], width: 400, height: 1600 });
    expect(tall.centre[2]).toBeCloseTo(500, 6);
  });

  it("zooms by the factor asked for", () => {
    const plain = fitSlice("axial", { ...request, width: 400, height: 300 });
    const zoomed = fitSlice("axial", { ...request, zoom: 2.5, width: 400, height: 300 });
    expect(plain.mmPerPixel / zoomed.mmPerPixel).toBeCloseTo(2.5, 12);
  });

  it("shows the whole body on the MIP at every angle", () => {
    for (const degrees of [0, 45, 90]) {
      const view = fitMip(mipPlane(degrees), { ...request, width: 300, height: 700 });
      expect(inView(view, [0, 0, 1000], 0)).toBe(true);
      expect(inView(view, [0, 0, 0], 0)).toBe(true);
    }
  });
});

describe("the body's box", () => {
  it("leaves the air out", () => {
    const inside = (i: number, j: number, k: number) => i >= 8 && i < 24 && j >= 10 && j < 20 && k >= 4 && k < 14;
    const grid = gridOf([32, 32, 16], upright([1, 1, 1]), (i, j, k) => (inside(i, j, k) ? 100 : 0));
    const box = bodyBox(grid, 50);
    near(box.min, [7.5, 9.5, 3.5]);
    near(box.max, [23.5, 19.5, 13.5]);
  });

  it("is the whole grid when nothing is above the threshold", () => {
    const grid = gridOf([4, 4, 4], oblique([1, 1, 1], [0, 0, 0]), () => 0);
    expect(bodyBox(grid, 50)).toEqual(gridBox(grid));
  });
});
