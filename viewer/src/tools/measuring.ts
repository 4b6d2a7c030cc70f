import type { EllipseRoi, LengthLine, Measurement } from "../core/measurement";
import type { Orientation } from "../core/planes";
import { type SliceView, toPixel, toWorld } from "../core/sliceView";
import { add, along, dot, length, subtract, type Vec3 } from "../core/vec3";
import type { Slot } from "../layouts/layouts";
import type { CellPoint, Gesture, ToolTarget } from "./target";

const SMALLEST_MM = 0.5;

/** Drag a new ellipse from corner to corner of its box; with Shift a circle round the starting point. */
export function newEllipse(target: ToolTarget, slot: Slot, orientation: Orientation, start: CellPoint): Gesture {
  const view = target.view(slot);
  const name = target.measurements.newName("ellipse");
  const from = toWorld(view, start.x, start.y);
  let drawn = false;
  const go = (point: CellPoint) => {
    const d = subtract(toWorld(view, point.x, point.y), from);
    const u = dot(d, view.right);
    const v = dot(d, view.down);
    if (!drawn && Math.hypot(u, v) < SMALLEST_MM * 2) return;
    drawn = true;
    const radius = Math.max(SMALLEST_MM, Math.hypot(u, v));
    const shape = point.shift
      ? { centre: from, radiusUMm: radius, radiusVMm: radius }
      : {
          centre: along(along(from, view.right, u / 2), view.down, v / 2),
          radiusUMm: Math.max(SMALLEST_MM, Math.abs(u) / 2),
          radiusVMm: Math.max(SMALLEST_MM, Math.abs(v) / 2),
        };
    const axes = { axisU: view.right, axisV: view.down, apart: target.isApart(slot) };
    const seriesUids = target.seriesIn(slot);
    target.measurements.show({ kind: "ellipse", ...name, orientation, ...axes, ...shape, seriesUids });
  };
  return finishing(target, go, () => drawn);
}

export function newLength(target: ToolTarget, slot: Slot, orientation: Orientation, start: CellPoint): Gesture {
  const view = target.view(slot);
  const name = target.measurements.newName("length");
  const from = toWorld(view, start.x, start.y);
  let drawn = false;
  const go = (point: CellPoint) => {
    const to = toWorld(view, point.x, point.y);
    if (!drawn && length(subtract(to, from)) < SMALLEST_MM * 2) return;
    drawn = true;
    target.measurements.show({ kind: "length", ...name, orientation, apart: target.isApart(slot), from, to });
  };
  return finishing(target, go, () => drawn);
}

function finishing(target: ToolTarget, go: (point: CellPoint) => void, drawn: () => boolean): Gesture {
  return {
    move: go,
    end: (point) => {
      go(point);
      if (drawn()) target.measurements.settle();
    },
  };
}

/** Part of a measurement under the pointer. */
export interface Grip {
  readonly measurement: Measurement;
  readonly part: "u+" | "u-" | "v+" | "v-" | "from" | "to" | "whole";
}

/** Points to take hold of, in the patient. */
export function gripPoints(m: Measurement): readonly (readonly [Grip["part"], Vec3])[] {
  if (m.kind === "length") {
    return [
      ["from", m.from],
      ["to", m.to],
    ];
  }
  return [
    ["u+", along(m.centre, m.axisU, m.radiusUMm)],
    ["u-", along(m.centre, m.axisU, -m.radiusUMm)],
    ["v+", along(m.centre, m.axisV, m.radiusVMm)],
    ["v-", along(m.centre, m.axisV, -m.radiusVMm)],
  ];
}

/** What lies under the pointer among the measurements shown in this view. */
export function gripAt(shown: readonly Measurement[], view: SliceView, point: CellPoint): Grip | null {
  const reach = 7 * point.pixelRatio;
  for (const measurement of [...shown].reverse()) {
    for (const [part, at] of gripPoints(measurement)) {
      const p = toPixel(view, at);
      if (Math.hypot(p.x - point.x, p.y - point.y) <= reach) return { measurement, part };
    }
    if (distanceToLine(measurement, view, point) <= reach * 0.7) return { measurement, part: "whole" };
  }
  return null;
}

function distanceToLine(m: Measurement, view: SliceView, point: CellPoint): number {
  if (m.kind === "length") {
    const a = toPixel(view, m.from);
    const b = toPixel(view, m.to);
    const size = (b.x - a.x) ** 2 + (b.y - a.y) ** 2 || 1;
    const share = ((point.x - a.x) * (b.x - a.x) + (point.y - a.y) * (b.y - a.y)) / size;
    const t = Math.min(1, Math.max(0, share));
    return Math.hypot(a.x + (b.x - a.x) * t - point.x, a.y + (b.y - a.y) * t - point.y);
  }
  const d = subtract(toWorld(view, point.x, point.y), m.centre);
  const u = dot(d, m.axisU);
  const v = dot(d, m.axisV);
  const r = Math.hypot(u / m.radiusUMm, v / m.radiusVMm);
  if (r === 0) return Number.POSITIVE_INFINITY;
  // Along the ray from the centre: exact on a circle, near enough on an ellipse to take hold of it.
  return (Math.abs(1 - 1 / r) * Math.hypot(u, v)) / view.mmPerPixel;
}

/** Drag a handle or the whole. */
export function gripGesture(target: ToolTarget, slot: Slot, grip: Grip, start: CellPoint): Gesture {
  const view = target.view(slot);
  const from = toWorld(view, start.x, start.y);
  let moved = false;
  target.store.set({ selected: grip.measurement.id });
  const go = (point: CellPoint) => {
    const by = subtract(toWorld(view, point.x, point.y), from);
    if (!moved && length(by) < view.mmPerPixel * 2) return;
    moved = true;
    const m = grip.measurement;
    target.measurements.show(m.kind === "ellipse" ? movedEllipse(m, grip.part, by) : movedLength(m, grip.part, by));
  };
  return finishing(target, go, () => moved);
}

function movedLength(m: LengthLine, part: Grip["part"], by: Vec3): LengthLine {
  if (part === "from") return { ...m, from: add(m.from, by) };
  if (part === "to") return { ...m, to: add(m.to, by) };
  return { ...m, from: add(m.from, by), to: add(m.to, by) };
}

/** A handle moves its side; the opposite side stays where it is. */
function movedEllipse(m: EllipseRoi, part: Grip["part"], by: Vec3): EllipseRoi {
  if (part === "whole") return { ...m, centre: add(m.centre, by) };
  const isU = part[0] === "u";
  const axis = isU ? m.axisU : m.axisV;
  const sign = part[1] === "+" ? 1 : -1;
  const radius = isU ? m.radiusUMm : m.radiusVMm;
  const grown = Math.max(-2 * (radius - SMALLEST_MM), dot(by, axis) * sign);
  const centre = along(m.centre, axis, (grown / 2) * sign);
  return isU ? { ...m, centre, radiusUMm: radius + grown / 2 } : { ...m, centre, radiusVMm: radius + grown / 2 };
}
