import { formatNumber, formatValue } from "../core/format";
import type { Measurement } from "../core/measurement";
import { toPixel } from "../core/sliceView";
import { length, subtract } from "../core/vec3";
import type { Engine } from "../engine/engine";
import type { Slot } from "../layouts/layouts";
import { gripPoints } from "../tools/measuring";

/** Drawn parts of a measurement, in device pixels of the cell. */
export type Shape =
  | {
      readonly kind: "ellipse";
      readonly x: number;
      readonly y: number;
      readonly rx: number;
      readonly ry: number;
      readonly degrees: number;
      readonly selected: boolean;
    }
  | {
      readonly kind: "line";
      readonly x1: number;
      readonly y1: number;
      readonly x2: number;
      readonly y2: number;
      readonly selected: boolean;
    }
  | { readonly kind: "handle"; readonly x: number; readonly y: number }
  | {
      readonly kind: "label";
      readonly x: number;
      readonly y: number;
      /** The label ends at x instead of beginning there: it would run over the cell's right border. */
      readonly leftward: boolean;
      readonly lines: readonly string[];
    };

/** Everything measured on the slice a slot shows, as shapes; drawn as SVG on the page and again into key images. */
export function shapesIn(engine: Engine, slot: Slot, pixelRatio: number): Shape[] {
  const view = engine.view(slot);
  const shown = engine.seriesIn(slot);
  const shapes: Shape[] = [];
  for (const m of engine.measurementsIn(slot)) {
    const selected = engine.store.state.selected === m.id;
    if (m.kind === "ellipse") {
      const c = toPixel(view, m.centre);
      const tip = toPixel(view, gripPoints(m)[0]![1]);
      const degrees = (Math.atan2(tip.y - c.y, tip.x - c.x) * 180) / Math.PI;
      const rx = m.radiusUMm / view.mmPerPixel;
      const ry = m.radiusVMm / view.mmPerPixel;
      shapes.push({ kind: "ellipse", x: c.x, y: c.y, rx, ry, degrees, selected });
      const extent = { left: c.x - rx, right: c.x + rx, top: c.y - ry, bottom: c.y + ry };
      shapes.push(label(ellipseLines(engine, m, shown), extent, view.width, pixelRatio));
    } else {
      const a = toPixel(view, m.from);
      const b = toPixel(view, m.to);
      shapes.push({ kind: "line", x1: a.x, y1: a.y, x2: b.x, y2: b.y, selected });
      const [left, right] = a.x < b.x ? [a, b] : [b, a];
      const extent = { left: left.x, right: right.x, top: right.y, bottom: Math.max(left.y, right.y) };
      shapes.push(label([`${m.label} ${lengthText(m)}`], extent, view.width, pixelRatio));
    }
    if (!selected) continue;
    for (const [, at] of gripPoints(m)) {
      const p = toPixel(view, at);
      shapes.push({ kind: "handle", x: p.x, y: p.y });
    }
  }
  return shapes;
}

interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A label beside what it names: to the right, else to the left, else under it; never over the cell's border or its colour bar. */
function label(lines: readonly string[], at: Extent, cellWidth: number, pixelRatio: number): Shape {
  const gap = 6 * pixelRatio;
  const needed = Math.max(...lines.map((line) => line.length)) * 6.8 * pixelRatio;
  const room = cellWidth - 32 * pixelRatio;
  const top = Math.max(14 * pixelRatio, at.top);
  if (at.right + gap + needed <= room) return { kind: "label", x: at.right + gap, y: top, leftward: false, lines };
  if (at.left - gap - needed >= 0) return { kind: "label", x: at.left - gap, y: top, leftward: true, lines };
  const x = Math.max(gap, Math.min(at.left, room - needed));
  return { kind: "label", x, y: at.bottom + 15 * pixelRatio, leftward: false, lines };
}

export function lengthText(m: Measurement): string {
  return m.kind === "length" ? `${formatNumber(length(subtract(m.to, m.from)), 1)} mm` : "";
}

/** "R1", then one line per series that the cell shows: what, highest and mean. */
function ellipseLines(engine: Engine, m: Measurement & { kind: "ellipse" }, shown: readonly string[]): string[] {
  const lines = [m.label];
  for (const uid of m.seriesUids) {
    if (!shown.includes(uid)) continue;
    const { statistics } = engine.measurements.result(m, uid);
    if (!statistics) continue;
    const { units, max, mean } = statistics;
    const short = units === "SUVbw" ? "SUV" : units;
    if (units === "HU") lines.push(`${formatValue(mean, units)} ± ${formatValue(statistics.std, units)} HU`);
    else lines.push(`${short}max ${formatValue(max, units)}  mean ${formatValue(mean, units)}`);
  }
  return lines;
}
