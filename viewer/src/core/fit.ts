import { type Box, boxCentre, clampToBox } from "./box";
import { type Orientation, PLANES, type Plane } from "./planes";
import type { SliceView } from "./sliceView";
import { along, dot, subtract, type Vec3 } from "./vec3";

/** Tall views may run over the cell by this factor before they are shrunk: a coronal body in a low cell would be a thin strip. */
const OVERRUN = 1.8;
const MARGIN = 1.04;

export interface FitRequest {
  readonly box: Box;
  readonly crosshair: Vec3;
  /** Point the view is centred on where the body runs over the cell. */
  readonly focus: Vec3;
  readonly zoom: number;
  readonly pan: readonly [number, number];
  readonly width: number;
  readonly height: number;
}

/** The view of one orientation: the body fitted into the cell, then zoomed and moved, on the slice of the crosshair. */
export function fitSlice(orientation: Orientation, request: FitRequest): SliceView {
  const plane = PLANES[orientation];
  const { box, width, height } = request;
  const size = subtract(box.max, box.min);
  let fitted: number;
  if (orientation === "axial") fitted = Math.max(size[0] / width, size[1] / height);
  // One scale for coronal and sagittal, so that the same height of the patient lies at the same height of both pictures.
  else fitted = Math.max(size[0] / width, size[1] / width, size[2] / (height * OVERRUN));
  const mmPerPixel = (fitted * MARGIN) / request.zoom;
  return { ...place(plane, mmPerPixel, request), forward: plane.forward, mmPerPixel, width, height };
}

/** The view of the MIP: the whole body inside the cell. */
export function fitMip(plane: Plane, request: FitRequest): SliceView {
  const { box, width, height } = request;
  const size = subtract(box.max, box.min);
  const mmPerPixel = (Math.max(size[2] / height, Math.max(size[0], size[1]) / width) * MARGIN) / request.zoom;
  const centre = moved(boxCentre(box), plane, request.pan);
  return { centre, right: plane.right, down: plane.down, forward: plane.forward, mmPerPixel, width, height };
}

function place(plane: Plane, mmPerPixel: number, request: FitRequest): Pick<SliceView, "centre" | "right" | "down"> {
  const { box, crosshair } = request;
  const middle = boxCentre(box);
  // Where the body runs over the cell follow the focus, but do not show emptiness beyond the body's end.
  const focus = clampToBox(box, request.focus);
  const follow = (direction: Vec3, half: number) => {
    const extent = (Math.abs(dot(subtract(box.max, box.min), direction)) * MARGIN) / 2;
    const room = Math.max(0, extent - half);
    return Math.min(room, Math.max(-room, dot(subtract(focus, middle), direction)));
  };
  let centre = along(middle, plane.right, follow(plane.right, (request.width * mmPerPixel) / 2));
  centre = along(centre, plane.down, follow(plane.down, (request.height * mmPerPixel) / 2));
  centre = moved(centre, plane, request.pan);
  const depth = dot(subtract(crosshair, centre), plane.forward);
  return { centre: along(centre, plane.forward, depth), right: plane.right, down: plane.down };
}

function moved(centre: Vec3, plane: Plane, pan: readonly [number, number]): Vec3 {
  return along(along(centre, plane.right, pan[0]), plane.down, pan[1]);
}

/** Is a point in view, at least `margin` (share of the cell) away from its border? */
export function inView(view: SliceView, lps: Vec3, margin: number): boolean {
  const d = subtract(lps, view.centre);
  const x = Math.abs(dot(d, view.right)) / (view.width * view.mmPerPixel);
  const y = Math.abs(dot(d, view.down)) / (view.height * view.mmPerPixel);
  return x <= 0.5 - margin && y <= 0.5 - margin;
}
