import { dragWindow } from "../colour/windows";
import type { ViewKey } from "../core/session";
import { toWorld } from "../core/sliceView";
import type { Slot } from "../layouts/layouts";
import type { CellPoint, Gesture, ToolTarget } from "./target";

export function viewKey(slot: Slot): ViewKey {
  return slot.orientation ?? "mip";
}

/** Drag the linked cross through the picture. */
export function crosshairGesture(target: ToolTarget, slot: Slot, start: CellPoint): Gesture {
  // The plane of the picture stays while the point moves in it.
  const view = target.view(slot);
  const go = (point: CellPoint, settled: boolean) =>
    target.setCrosshair(toWorld(view, point.x, point.y), slot, settled);
  go(start, false);
  return { move: (point) => go(point, false), end: (point) => go(point, true) };
}

/** Right button: width and level, or the upper limit of PET. In a fused picture the overlay's, with Shift the base's. */
export function windowGesture(target: ToolTarget, slot: Slot, start: CellPoint): Gesture {
  const uid = target.seriesIn(slot).at(start.shift ? 0 : -1);
  const first = uid ? target.window(uid) : null;
  const go = (point: CellPoint) => {
    if (!uid || !first) return;
    const dx = (point.x - start.x) / start.pixelRatio;
    const dy = (point.y - start.y) / start.pixelRatio;
    target.setWindow(uid, dragWindow(first, dx, dy, target.isSigned(uid)));
  };
  return { move: go, end: go };
}

export function panGesture(target: ToolTarget, slot: Slot, start: CellPoint): Gesture {
  const key = viewKey(slot);
  const first = target.store.state.pan[key];
  const { mmPerPixel } = target.view(slot);
  const go = (point: CellPoint) => {
    const moved: [number, number] = [
      first[0] - (point.x - start.x) * mmPerPixel,
      first[1] - (point.y - start.y) * mmPerPixel,
    ];
    target.store.set({ pan: { ...target.store.state.pan, [key]: moved } });
  };
  return { move: go, end: go };
}

const ZOOM_LIMITS = [0.5, 20] as const;

/** Zooms all slices together, or the MIP, keeping the point under the pointer in its place in this cell. */
export function zoomAt(target: ToolTarget, slot: Slot, factor: number, x: number, y: number): void {
  const { store } = target;
  const key = viewKey(slot);
  const name = key === "mip" ? "mipZoom" : "zoom";
  const before = target.view(slot);
  const zoom = Math.min(ZOOM_LIMITS[1], Math.max(ZOOM_LIMITS[0], store.state[name] * factor));
  store.set({ [name]: zoom });
  const after = target.view(slot);
  // Where the point would have gone, and by how much the view has to be moved to bring it back.
  const shift = subtractOnPlane(toWorld(before, x, y), toWorld(after, x, y), after.right, after.down);
  const [a, b] = store.state.pan[key];
  store.set({ pan: { ...store.state.pan, [key]: [a + shift[0], b + shift[1]] } });
}

function subtractOnPlane(
  a: readonly [number, number, number],
  b: readonly [number, number, number],
  right: readonly [number, number, number],
  down: readonly [number, number, number],
): [number, number] {
  const d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]] as const;
  return [d[0] * right[0] + d[1] * right[1] + d[2] * right[2], d[0] * down[0] + d[1] * down[1] + d[2] * down[2]];
}

export function zoomGesture(target: ToolTarget, slot: Slot, start: CellPoint): Gesture {
  let last = start.y;
  const go = (point: CellPoint) => {
    zoomAt(target, slot, Math.exp((last - point.y) / (150 * start.pixelRatio)), start.x, start.y);
    last = point.y;
  };
  return { move: go, end: go };
}

const CLICK_REACH = 4;
const DEGREES_PER_PIXEL = 0.6;

/** On the MIP a drag turns the patient; a click goes to the hottest voxel under it. */
export function mipGesture(target: ToolTarget, slot: Slot, start: CellPoint): Gesture {
  const first = target.store.state.mipDegrees;
  let turned = false;
  const go = (point: CellPoint) => {
    const dx = (point.x - start.x) / start.pixelRatio;
    if (!turned && Math.abs(dx) < CLICK_REACH) return;
    turned = true;
    target.store.set({ mipDegrees: first - dx * DEGREES_PER_PIXEL, mipSpin: 0 });
  };
  return {
    move: go,
    end: (point) => {
      go(point);
      if (turned) return;
      const hit = target.pickOnMip(slot, point.x, point.y);
      if (hit) target.setCrosshair(hit, slot, true);
    },
  };
}

/** Two fingers: distance zooms, middle moves. */
export function pinchGesture(
  target: ToolTarget,
  slot: Slot,
  a: CellPoint,
  b: CellPoint,
): (a: CellPoint, b: CellPoint) => void {
  let lastDistance = Math.hypot(a.x - b.x, a.y - b.y);
  let lastX = (a.x + b.x) / 2;
  let lastY = (a.y + b.y) / 2;
  return (p, q) => {
    const distance = Math.hypot(p.x - q.x, p.y - q.y);
    const x = (p.x + q.x) / 2;
    const y = (p.y + q.y) / 2;
    const key = viewKey(slot);
    const { mmPerPixel } = target.view(slot);
    const [right, down] = target.store.state.pan[key];
    const moved: [number, number] = [right - (x - lastX) * mmPerPixel, down - (y - lastY) * mmPerPixel];
    target.store.set({ pan: { ...target.store.state.pan, [key]: moved } });
    if (lastDistance > 0 && distance > 0) zoomAt(target, slot, distance / lastDistance, x, y);
    lastDistance = distance;
    lastX = x;
    lastY = y;
  };
}
