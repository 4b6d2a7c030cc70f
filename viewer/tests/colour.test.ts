import { describe, expect, it } from "vitest";
import { COLOUR_MAPS, colourMap, colourTable } from "../src/colour/maps";
import { CT_WINDOWS, dragWindow, windowIndex } from "../src/colour/windows";
import palettes from "./vectors/dicom_palettes.json";

describe("colour maps", () => {
  it("Hot Iron and PET equal the tables of DICOM PS3.6 annex B, entry by entry", () => {
    expect([...colourTable("hot_iron", false)]).toEqual(palettes.hot_iron);
    expect([...colourTable("pet", false)]).toEqual(palettes.pet);
  });

  it("grey is the index, and inverse grey is grey inverted", () => {
    const grey = colourTable("grey", false);
    for (let i = 0; i < 256; i++) expect([...grey.subarray(i * 3, i * 3 + 3)]).toEqual([i, i, i]);
    expect(colourTable("inverse_grey", false)).toEqual(colourTable("grey", true));
  });

  it("inverting twice changes nothing", () => {
    for (const { id, table } of COLOUR_MAPS) {
      const once = colourTable(id, true);
      for (let i = 0; i < 256; i++) for (let c = 0; c < 3; c++) expect(once[(255 - i) * 3 + c]).toBe(table[i * 3 + c]);
    }
  });

  it("says which maps rise evenly: cubehelix and greys do, rainbows do not", () => {
    for (const id of ["grey", "inverse_grey", "cubehelix", "hot_iron", "hot_metal"])
      expect(colourMap(id).monotone, id).toBe(true);
    for (const id of ["pet", "pet_rainbow"]) expect(colourMap(id).monotone, id).toBe(false);
  });

  it("cubehelix has the brightness Green's formula gives: linear in the index", () => {
    const table = colourTable("cubehelix", false);
    for (let i = 0; i < 256; i += 5) {
      const y = 0.3 * table[i * 3]! + 0.59 * table[i * 3 + 1]! + 0.11 * table[i * 3 + 2]!;
      expect(Math.abs(y - i)).toBeLessThan(6);
    }
  });

  it("an unknown map is grey, not a fault", () => {
    expect(colourMap("no such map").id).toBe("grey");
  });
});

describe("windows", () => {
  it("ends at 0 and 255 and rounds halves up between", () => {
    expect(windowIndex(-5, [0, 7])).toBe(0);
    expect(windowIndex(7, [0, 7])).toBe(255);
    expect(windowIndex(99, [0, 7])).toBe(255);
    for (let n = 0; n <= 255; n++) expect(windowIndex((n / 255) * 7, [0, 7])).toBe(n);
    expect(windowIndex(0.5, [0, 255])).toBe(1);
  });

  it("CT presets are the width and level they are known by", () => {
    const widths = CT_WINDOWS.map(({ window: [a, b] }) => [b - a, (a + b) / 2]);
    expect(widths).toEqual([
      [1500, -600],
      [350, 40],
      [400, 40],
      [1800, 400],
      [80, 40],
    ]);
  });

  it("dragging moves the upper limit of PET and both of CT", () => {
    const pet = dragWindow([0, 7], 0, -60, false);
    expect(pet[0]).toBe(0);
    expect(pet[1]).toBeGreaterThan(7);
    const ct = dragWindow([-135, 215], 100, 0, true);
    expect((ct[0] + ct[1]) / 2).toBeCloseTo(40, 9);
    expect(ct[1] - ct[0]).toBeGreaterThan(350);
  });
});
