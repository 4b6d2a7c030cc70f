import type { Measurement } from "../core/measurement";
import type { Session } from "../core/session";
import type { SliceView } from "../core/sliceView";
import type { Store } from "../core/store";
import type { Vec3 } from "../core/vec3";
import type { Slot } from "../layouts/layouts";

/** What tools work on; the engine is one. */
export interface ToolTarget {
  readonly store: Store<Session>;
  /** The view as it is now, in device pixels of the cell. */
  view(slot: Slot): SliceView;
  /** Series that a slot shows, lowest first. */
  seriesIn(slot: Slot): readonly string[];
  /** Does the slot show an overlay in a frame of reference of its own? */
  isApart(slot: Slot): boolean;
  setCrosshair(lps: Vec3, from: Slot | null, settled: boolean): void;
  /** The hottest point under a pixel of the MIP. */
  pickOnMip(slot: Slot, x: number, y: number): Vec3 | null;
  window(uid: string): readonly [number, number];
  setWindow(uid: string, window: readonly [number, number]): void;
  /** Can values of this series be negative, as HU: then a window is a width and a level. */
  isSigned(uid: string): boolean;
  step(slot: Slot, slices: number): void;
  readonly measurements: {
    newName(kind: Measurement["kind"]): { id: string; label: string };
    show(measurement: Measurement): void;
    settle(): void;
    remove(id: string): void;
  };
}

/** Where the pointer is in a cell, device pixels. */
export interface CellPoint {
  readonly x: number;
  readonly y: number;
  /** Device pixels of one CSS pixel: reach of handles. */
  readonly pixelRatio: number;
  readonly shift: boolean;
}

/** What happens between pressing and lifting. */
export interface Gesture {
  move(point: CellPoint): void;
  end(point: CellPoint): void;
}
