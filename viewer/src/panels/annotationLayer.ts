import type { Shape } from "./annotations";
import { svg } from "./dom";

/** The shapes of one cell as SVG; touched only when they differ, since each change makes the browser compose the cell anew. */
export class AnnotationLayer {
  readonly element = svg("svg", { class: "hvv-marks", "aria-hidden": "true" });
  private shown = "[]";

  show(shapes: readonly Shape[], pixelRatio: number): void {
    const key = JSON.stringify(shapes) + pixelRatio;
    if (key === this.shown) return;
    this.shown = key;
    this.element.replaceChildren(...shapes.flatMap((shape) => draw(shape, 1 / pixelRatio)));
  }
}

function draw(shape: Shape, s: number): SVGElement[] {
  if (shape.kind === "handle") return [svg("circle", { cx: shape.x * s, cy: shape.y * s, r: 4, class: "hvv-handle" })];
  if (shape.kind === "label") {
    const text = svg("text", { x: shape.x * s, y: shape.y * s, "text-anchor": shape.leftward ? "end" : "start" });
    for (const [n, line] of shape.lines.entries()) {
      const span = svg("tspan", { x: shape.x * s, dy: n === 0 ? 0 : 15, class: n === 0 ? "hvv-mark-name" : "" });
      span.textContent = line;
      text.append(span);
    }
    return [text];
  }
  // Twice, dark under light, so that the line is seen on any picture.
  return ["hvv-under", shape.selected ? "hvv-line is-on" : "hvv-line"].map((className) =>
    shape.kind === "ellipse"
      ? svg("ellipse", {
          cx: 0,
          cy: 0,
          rx: shape.rx * s,
          ry: shape.ry * s,
          transform: `translate(${shape.x * s} ${shape.y * s}) rotate(${shape.degrees})`,
          class: className,
        })
      : svg("line", {
          x1: shape.x1 * s,
          y1: shape.y1 * s,
          x2: shape.x2 * s,
          y2: shape.y2 * s,
          class: className,
        }),
  );
}
