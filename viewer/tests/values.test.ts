import { describe, expect, it } from "vitest";
import { displayScale, shownValue } from "../src/core/displayScale";
import { formatLimit, formatNumber, formatValue } from "../src/core/format";
import { fromHalf, toHalf } from "../src/core/half";
import { transformPoint } from "../src/core/mat4";
import { texelScale, toTexels } from "../src/core/texels";
import { parseVolumeHeader } from "../src/core/volumeHeader";
import { gridOf, headerJson, oblique } from "./cast";

describe("voxels", () => {
  const m = oblique([1.5, 2, 3], [10, 20, 30]);
  const grid = gridOf([9, 8, 7], m, (i, j, k) => 100 * i - 20 * j + 3 * k);

  it("a linear field is interpolated exactly, on an oblique grid", () => {
    for (const ijk of [
      [1.25, 3.5, 2.75],
      [7.9, 6.1, 0.3],
    ] as const) {
      expect(grid.trilinear(transformPoint(m, ijk))).toBeCloseTo(100 * ijk[0] - 20 * ijk[1] + 3 * ijk[2], 9);
    }
  });

  it("the nearest voxel is the one whose box holds the point", () => {
    expect(grid.nearest(transformPoint(m, [2.4, 3.6, 5.49]))).toEqual({ ijk: [2, 4, 5], stored: 200 - 80 + 15 });
  });

  it("outside the volume there is no value, in the outer half voxel the border's", () => {
    expect(grid.trilinear(transformPoint(m, [-0.6, 0, 0]))).toBeNull();
    expect(grid.trilinear(transformPoint(m, [-0.4, 0, 0]))).toBeCloseTo(0, 9);
    expect(grid.nearest(transformPoint(m, [0, 0, 6.7]))).toBeNull();
  });

  it("a shape that does not fit the voxels is refused", () => {
    expect(() => gridOf([2, 2, 2], m, () => 0)).not.toThrow();
    expect(
      () => new (grid.constructor as never as new (...a: unknown[]) => unknown)([2, 2, 2], m, new Int16Array(7)),
    ).toThrow();
  });
});

describe("half floats", () => {
  it("every one of the 65 536 patterns comes back as itself", () => {
    for (let n = 0; n < 65536; n++) {
      const value = fromHalf(n);
      if (!Number.isFinite(value) || (n & 0x7fff) === 0) continue;
      expect(toHalf(value)).toBe(n);
    }
  });

  it("whole numbers to 2048 are exact: every HU of soft tissue", () => {
    for (let hu = -1024; hu <= 2048; hu++) expect(fromHalf(toHalf(hu))).toBe(hu);
  });

  it("rounds to nearest even and saturates", () => {
    expect(fromHalf(toHalf(2049))).toBe(2048);
    expect(fromHalf(toHalf(2051))).toBe(2052);
    expect(fromHalf(toHalf(1e9))).toBe(65504);
    expect(fromHalf(toHalf(-1e9))).toBe(-65504);
    expect(fromHalf(toHalf(2 ** -25))).toBe(0);
    expect(fromHalf(toHalf(3 * 2 ** -25))).toBe(2 ** -23);
  });

  it("activity far beyond the range of half floats keeps 0.05 %", () => {
    const scale = texelScale(12.5, 0, [0, 400000]);
    const stored = Int16Array.of(1, 40, 3200, 32000);
    const half = toTexels(stored, scale, "half") as Uint16Array;
    for (const [n, s] of stored.entries()) {
      expect(Math.abs(fromHalf(half[n]!) / scale.gain / (s * 12.5) - 1)).toBeLessThan(0.0005);
    }
  });

  it("HU are left as they are", () => {
    expect(texelScale(1, 0, [-1024, 3071]).gain).toBe(1);
    expect([...toTexels(Int16Array.of(-1024, 40), texelScale(1, 0, [-1024, 3071]), "float")]).toEqual([-1024, 40]);
  });
});

describe("shown values", () => {
  it("SUV is activity times the body weight factor", () => {
    const scale = displayScale(parseVolumeHeader(headerJson()));
    expect(scale).toMatchObject({ units: "SUVbw", rawUnits: "Bq/mL", isSuv: true });
    expect(shownValue(scale, 1500)).toBeCloseTo(1500 * 10 * 2e-4, 12);
  });

  it("a refused SUV leaves the original units", () => {
    const suv = {
      bw_factor: 2e-4,
      method: "",
      version: "",
      refused: "no_weight",
      refused_text_zh: "缺体重",
      warnings: [],
    };
    const scale = displayScale(parseVolumeHeader(headerJson({ suv })));
    expect(scale).toMatchObject({ units: "Bq/mL", factor: 1, isSuv: false });
  });

  it("numbers are written as the department reads them", () => {
    expect(formatNumber(-70.14, 1)).toBe("−70.1");
    expect(formatNumber(34700, 0)).toBe("34\u202F700");
    expect(formatNumber(-0.04, 1)).toBe("0.0");
    expect(formatValue(12.84, "SUVbw")).toBe("12.8");
    expect(formatValue(1.984, "SUVbw")).toBe("1.98");
    expect(formatValue(-93.6, "HU")).toBe("−94");
    expect(formatLimit(2.5)).toBe("2.5");
    expect(formatLimit(7)).toBe("7");
  });
});
