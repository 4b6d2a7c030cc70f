import { clampToBox, gridBox, union } from "../core/box";
import { inView } from "../core/fit";
import type { Session } from "../core/session";
import { dot, type Vec3 } from "../core/vec3";
import type { Slot } from "../layouts/layouts";
import type { CellBox } from "./sceneBuilder";
import { type Pair, viewOf } from "./views";

const MARGIN = 0.04;

/** The point kept inside what is loaded. */
export function insideVolumes({ base, overlay }: Pair, lps: Vec3): Vec3 {
  const boxes = [base, overlay].flatMap((series) => (series?.grid ? [gridBox(series.grid)] : []));
  const box = boxes.reduce<ReturnType<typeof gridBox> | null>((all, one) => (all ? union(all, one) : one), null);
  return box ? clampToBox(box, lps) : lps;
}

/**
 * The patch that moves the cross, and those views it would otherwise leave: a view that still shows it stays still, and so does
 * the one the pointer is in.
 */
export function moveCross(
  session: Session,
  pair: Pair,
  cells: readonly CellBox[],
  lps: Vec3,
  from: Slot | null,
  reveal: boolean,
): Partial<Session> {
  const crosshair = insideVolumes(pair, lps);
  if (!reveal) return { crosshair };
  const moved: Session = { ...session, crosshair };
  let focus = session.focus;
  let pan = session.pan;
  for (const { slot, rect } of cells) {
    if (!slot.orientation || slot.orientation === from?.orientation) continue;
    const view = viewOf(moved, pair, slot, rect.width, rect.height);
    if (inView(view, crosshair, MARGIN)) continue;
    // Only the view's own directions: the other planes share the same focus.
    focus = [0, 1, 2].map((axis) => {
      const inPlane = Math.abs(view.right[axis]!) + Math.abs(view.down[axis]!) > 0.5;
      return inPlane ? crosshair[axis]! : focus[axis]!;
    }) as unknown as Vec3;
    pan = { ...pan, [slot.orientation]: [0, 0] };
  }
  return { crosshair, focus, pan };
}

/** Is the point on the slice that a view shows, within half a layer? */
export function onSlice(lps: Vec3, crosshair: Vec3, forward: Vec3, layer: number): boolean {
  return Math.abs(dot(lps, forward) - dot(crosshair, forward)) <= layer / 2 + 1e-6;
}
