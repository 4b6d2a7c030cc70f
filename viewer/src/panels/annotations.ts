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
      shapes.push(label(ellipseLines(engine, m), c.x - rx, c.x + rx, c.y - ry, view.width, pixelRatio));
    } else {
      const a = toPixel(view, m.from);
      const b = toPixel(view, m.to);
      shapes.push({ kind: "line", x1: a.x, y1: a.y, x2: b.x, y2: b.y, selected });
      const [left, right] = a.x < b.x ? [a, b] : [b, a];
      shapes.push(label([`${m.label} ${lengthText(m)}`], left.x, right.x, right.y, view.width, pixelRatio));
    }
    if (!selected) continue;
    for (const [, at] of gripPoints(m)) {
      const p = toPixel(view, at);
      shapes.push({ kind: "handle", x: p.x, y: p.y });
    }
  }
  return shapes;
}

/** A label to the right of what it names, or to the left where there is no room: the colour bar has its place too. */
function label(
  lines: readonly string[],
  left: number,
  right: number,
  y: number,
  cellWidth: number,
  pixelRatio: number,
): Shape {
  const gap = 6 * pixelRatio;
  const needed = Math.max(...lines.map((line) => line.length)) * 6.6 * pixelRatio;
  const leftward = right + gap + needed > cellWidth - 30 * pixelRatio && left - gap - needed > 0;
  const top = Math.max(14 * pixelRatio, y);
  return { kind: "label", x: leftward ? left - gap : right + gap, y: top, leftward, lines };
}

export function lengthText(m: Measurement): string {
  return m.kind === "length" ? `${formatNumber(length(subtract(m.to, m.from)), 1)} mm` : "";
}

/** "R1", then one line per series: what, highest and mean. */
function ellipseLines(engine: Engine, m: Measurement & { kind: "ellipse" }): string[] {
  const lines = [m.label];
  for (const uid of m.seriesUids) {
    const { statistics } = engine.measurements.result(m, uid);
    if (!statistics) continue;
    const { units, max, mean } = statistics;
    const short = units === "SUVbw" ? "SUV" : units;
    if (units === "HU") lines.push(`${formatValue(mean, units)} ± ${formatValue(statistics.std, units)} HU`);
    else lines.push(`${short}max ${formatValue(max, units)}  mean ${formatValue(mean, units)}`);
  }
  return lines;
}
