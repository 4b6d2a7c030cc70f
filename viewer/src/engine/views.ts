import { type Box, union } from "../core/box";
import { fitMip, fitSlice } from "../core/fit";
import { mipPlane } from "../core/planes";
import type { Session } from "../core/session";
import type { SliceView } from "../core/sliceView";
import type { Content, Slot } from "../layouts/layouts";
import type { LoadedSeries } from "./loadedSeries";

export interface Pair {
  readonly base: LoadedSeries | null;
  readonly overlay: LoadedSeries | null;
}

/** Two series in different frames of reference lie anywhere beside each other: laying them over or linking them would be a lie. */
export function shareFrame({ base, overlay }: Pair): boolean {
  const a = base?.header?.frameOfReferenceUid;
  const b = overlay?.header?.frameOfReferenceUid;
  return !a || !b || a === b;
}

/** Does a slot show the overlay in a frame of reference of its own? */
export function isApart(pair: Pair, content: Content): boolean {
  return (content === "overlay" || content === "mip") && !shareFrame(pair);
}

/** Session and series as a slot sees them: where frames differ, only its own side and its own point. */
export function sideOf(session: Session, pair: Pair, content: Content): { session: Session; pair: Pair } {
  if (content === "fused" || shareFrame(pair)) return { session, pair };
  if (content === "base") return { session, pair: { base: pair.base, overlay: null } };
  const own = { crosshair: session.overlayCrosshair, focus: session.overlayFocus };
  return { session: { ...session, ...own }, pair: { base: null, overlay: pair.overlay } };
}

const SOMEWHERE: Box = { min: [-200, -200, -200], max: [200, 200, 200] };

/** The space the pictures are fitted to: the body as both series show it. */
export function sharedBox({ base, overlay }: Pair): Box {
  const a = base?.body;
  const b = overlay?.body;
  if (a && b) return union(a, b);
  return a ?? b ?? SOMEWHERE;
}

/** The plane and scale of a slot's picture, for a cell of `width` × `height` pixels. */
export function viewOf(session: Session, pair: Pair, slot: Slot, width: number, height: number): SliceView {
  const common = { crosshair: session.crosshair, focus: session.focus, width, height };
  if (slot.orientation === null) {
    const degrees = storedDegrees(pair.overlay, session.mipDegrees);
    const box = pair.overlay?.body ?? sharedBox(pair);
    return fitMip(mipPlane(degrees), { ...common, box, zoom: session.mipZoom, pan: session.pan.mip });
  }
  return fitSlice(slot.orientation, {
    ...common,
    box: sharedBox(pair),
    zoom: session.zoom,
    pan: session.pan[slot.orientation],
  });
}

/** Where projections are stored, only their angles can be shown. */
function storedDegrees(overlay: LoadedSeries | null, degrees: number): number {
  const step = overlay?.mip?.header.degreesPerFrame;
  return step ? Math.round(degrees / step) * step : degrees;
}
