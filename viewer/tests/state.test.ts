import { describe, expect, it, vi } from "vitest";
import { History } from "../src/core/history";
import type { EllipseRoi } from "../src/core/measurement";
import { initialSession } from "../src/core/session";
import { Store } from "../src/core/store";
import { fromViewState, toViewState } from "../src/engine/viewState";
import { buildGrid, LAYOUTS } from "../src/layouts/layouts";
import { commandOf, type KeyPress } from "../src/tools/keys";

const roi: EllipseRoi = {
  kind: "ellipse",
  id: "m1",
  label: "R1",
  orientation: "axial",
  apart: false,
  centre: [1, 2, 3],
  axisU: [1, 0, 0],
  axisV: [0, 1, 0],
  radiusUMm: 5,
  radiusVMm: 4,
  seriesUids: ["1.2.3"],
};

describe("store", () => {
  it("tells listeners of a change, not of the same value, and not after they stopped", () => {
    const store = new Store({ a: 1, b: 2 });
    const heard = vi.fn();
    const stop = store.subscribe(heard);
    store.set({ a: 1 });
    expect(heard).not.toHaveBeenCalled();
    store.set({ a: 5 });
    expect(heard).toHaveBeenCalledWith({ a: 5, b: 2 }, { a: 1, b: 2 });
    stop();
    store.set({ a: 6 });
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it("leaves the earlier state as it was", () => {
    const store = new Store({ a: 1 });
    const before = store.state;
    store.set({ a: 2 });
    expect(before).toEqual({ a: 1 });
  });
});

describe("history", () => {
  it("walks back and forth, and a new step forgets what was undone", () => {
    const history = new History<string>("a");
    history.record("b");
    history.record("c");
    expect([history.undo(), history.undo(), history.undo()]).toEqual(["b", "a", "a"]);
    expect(history.redo()).toBe("b");
    history.record("d");
    expect(history.canRedo).toBe(false);
    expect(history.undo()).toBe("b");
  });

  it("keeps no more than its limit", () => {
    const history = new History(0, 3);
    for (let n = 1; n <= 10; n++) history.record(n);
    for (let n = 0; n < 10; n++) history.undo();
    expect(history.value).toBe(7);
  });
});

describe("a stored view", () => {
  it("comes back as it was, through JSON", () => {
    const session = {
      ...initialSession(),
      base: "1.2.4",
      overlay: "1.2.3",
      crosshair: [1.5, -2, 300] as const,
      windows: { "1.2.3": [0, 5] as const },
      alpha: 0.7,
      zoom: 2,
      measurements: [roi],
    };
    const patch = fromViewState(JSON.parse(JSON.stringify(toViewState(session))), () => true);
    expect({ ...initialSession(), ...patch }).toEqual(session);
  });

  it("with damaged parts recalls the rest", () => {
    const stored = {
      ...toViewState(initialSession()),
      alpha: "much",
      centre_lps: [1, 2],
      zoom: 3,
      measurements: [{ kind: "x" }],
    };
    const patch = fromViewState(stored, () => true);
    expect(patch.zoom).toBe(3);
    expect(patch).not.toHaveProperty("alpha");
    expect(patch).not.toHaveProperty("crosshair");
    expect(patch).not.toHaveProperty("measurements");
  });

  it("of series that are gone does not show them", () => {
    const patch = fromViewState(
      toViewState({ ...initialSession(), base: "9.9", overlay: "1.2.3" }),
      (uid) => uid === "1.2.3",
    );
    expect(patch).not.toHaveProperty("base");
    expect(patch.overlay).toBe("1.2.3");
  });
});

describe("layouts", () => {
  const cases = [
    { base: true, overlay: true, mip: true },
    { base: false, overlay: true, mip: true },
    { base: true, overlay: false, mip: false },
  ];
  it("are 3×3 and the MIP over the full height for PET/CT", () => {
    const grid = buildGrid("house", null, cases[0]!);
    expect(grid.slots).toHaveLength(10);
    expect(grid.slots.find((slot) => slot.id === "mip")?.area).toEqual([1, 4, 4, 5]);
    expect(grid.slots.filter((slot) => slot.content === "fused").map((slot) => slot.area[0])).toEqual([3, 3, 3]);
  });

  it("show three planes and the MIP when there is only PET, three planes when only CT", () => {
    const ids = (n: number) => buildGrid("house", null, cases[n]!).slots.map((slot) => slot.id);
    expect(ids(1)).toEqual(["overlay-axial", "overlay-coronal", "overlay-sagittal", "mip"]);
    expect(ids(2)).toEqual(["base-axial", "base-coronal", "base-sagittal"]);
  });

  it("never overlap, whatever the study offers", () => {
    for (const { id } of LAYOUTS) {
      for (const available of cases) {
        const taken = new Set<string>();
        for (const { area } of buildGrid(id, null, available).slots) {
          for (let row = area[0]; row < area[2]; row++)
            for (let column = area[1]; column < area[3]; column++) {
              expect(taken.has(`${row} ${column}`), `${id} ${row} ${column}`).toBe(false);
              taken.add(`${row} ${column}`);
            }
        }
      }
    }
  });

  it("show one slot alone when asked, and are whole again after", () => {
    expect(buildGrid("house", "fused-axial", cases[0]!).slots.map((slot) => slot.id)).toEqual(["fused-axial"]);
    expect(buildGrid("house", "no-such", cases[0]!).slots).toHaveLength(10);
    expect(buildGrid("house", null, { base: false, overlay: false, mip: false }).slots).toEqual([]);
  });
});

describe("keys", () => {
  const press = (code: string, patch: Partial<KeyPress> = {}): KeyPress => ({
    ...{ code, key: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false },
    ...patch,
  });

  it("are told by their place, so that an input method does not matter", () => {
    expect(commandOf(press("KeyF", { key: "Process" }))).toEqual({ name: "blink" });
    expect(commandOf(press("Digit3", { key: "3" }))).toEqual({ name: "petUpper", index: 2 });
    expect(commandOf(press("Digit3", { key: "#", shiftKey: true }))).toEqual({ name: "ctWindow", index: 2 });
  });

  it("with Ctrl or Alt are the browser's, but for undo and redo", () => {
    for (const code of ["KeyF", "KeyR", "Digit1", "KeyL"]) expect(commandOf(press(code, { ctrlKey: true }))).toBeNull();
    expect(commandOf(press("KeyE", { altKey: true }))).toBeNull();
    expect(commandOf(press("KeyZ", { ctrlKey: true }))).toEqual({ name: "undo" });
    expect(commandOf(press("KeyZ", { ctrlKey: true, shiftKey: true }))).toEqual({ name: "redo" });
  });

  it("of single characters can be switched off by the user, arrows cannot", () => {
    for (const code of ["KeyF", "Digit1", "BracketLeft"]) expect(commandOf(press(code), true)).toBeNull();
    expect(commandOf(press("PageDown"), true)).toEqual({ name: "step", slices: 10 });
    expect(commandOf(press("KeyZ", { ctrlKey: true }), true)).toEqual({ name: "undo" });
  });

  it("that browsers own are left alone", () => {
    for (const code of ["F1", "F3", "F5", "F11", "F12", "Tab", "Enter"]) expect(commandOf(press(code))).toBeNull();
  });
});
