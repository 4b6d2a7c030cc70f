import { Signal } from "../core/signal";
import { toWorld } from "../core/sliceView";
import type { Vec3 } from "../core/vec3";
import type { Slot } from "../layouts/layouts";
import {
  crosshairGesture,
  mipGesture,
  panGesture,
  pinchGesture,
  windowGesture,
  zoomAt,
  zoomGesture,
} from "../tools/gestures";
import { gripAt, gripGesture, newEllipse, newLength } from "../tools/measuring";
import type { CellPoint, Gesture } from "../tools/target";
import type { Page } from "./page";
import type { Stage } from "./stage";

export interface Hovered {
  readonly slot: Slot;
  readonly lps: Vec3;
}

const PIXELS_PER_SLICE = 40;
const WHEEL_ZOOM = 1.15;

interface Held {
  readonly slot: Slot;
  readonly element: HTMLElement;
  gesture: Gesture | null;
}

/** Turns pointer and wheel events on cells into gestures. */
export class PointerInput {
  /** True while the space bar is down: the left button then moves the picture. */
  spaceHeld = false;
  /** The point of the patient under the pointer, null when it is over no picture. */
  readonly hovered = new Signal<Hovered | null>();
  private held: Held | null = null;
  private readonly touches = new Map<number, CellPoint>();
  private pinch: ((a: CellPoint, b: CellPoint) => void) | null = null;
  private wheelLeft = 0;
  private readonly abort = new AbortController();

  constructor(
    private readonly page: Page,
    private readonly stage: Stage,
  ) {
    const { element } = stage;
    const options = { signal: this.abort.signal };
    element.addEventListener("pointerdown", (event) => this.down(event), options);
    element.addEventListener("pointermove", (event) => this.move(event), options);
    element.addEventListener("pointerup", (event) => this.up(event), options);
    element.addEventListener("pointercancel", (event) => this.up(event), options);
    element.addEventListener("pointerleave", () => this.hovered.send(null), options);
    element.addEventListener("dblclick", (event) => this.doubleClick(event), options);
    element.addEventListener("wheel", (event) => this.wheel(event), { ...options, passive: false });
  }

  private cellOf(event: Event): { slot: Slot; element: HTMLElement } | null {
    const element = (event.target as Element).closest<HTMLElement>(".hvv-cell");
    const cell = this.stage.cells.find((entry) => entry.element === element);
    return cell ? { slot: cell.slot, element: cell.element } : null;
  }

  private at(element: HTMLElement, event: MouseEvent): CellPoint {
    const box = element.getBoundingClientRect();
    const { pixelRatio } = this.stage;
    return {
      x: (event.clientX - box.left) * pixelRatio,
      y: (event.clientY - box.top) * pixelRatio,
      pixelRatio,
      shift: event.shiftKey,
    };
  }

  private down(event: PointerEvent): void {
    const cell = this.cellOf(event);
    if (!cell || (event.target as Element).closest("button, a, progress")) return;
    event.preventDefault();
    const { engine } = this.page;
    const { element, slot } = cell;
    element.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    if (engine.store.state.active !== slot.id) engine.store.set({ active: slot.id });
    const point = this.at(element, event);
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, point);
      const [a, b] = [...this.touches.values()];
      if (a && b) {
        this.held = null;
        this.pinch = pinchGesture(engine, slot, a, b);
        return;
      }
    }
    this.held = { slot, element, gesture: this.begin(event, slot, point) };
  }

  private begin(event: PointerEvent, slot: Slot, point: CellPoint): Gesture | null {
    const { engine } = this.page;
    if (event.button === 1 || (event.button === 0 && this.spaceHeld)) return panGesture(engine, slot, point);
    if (event.button === 2) return windowGesture(engine, slot, point);
    if (event.button !== 0) return null;
    const { tool } = engine.store.state;
    if (tool === "window") return windowGesture(engine, slot, point);
    if (tool === "pan") return panGesture(engine, slot, point);
    if (tool === "zoom") return zoomGesture(engine, slot, point);
    if (!slot.orientation) return mipGesture(engine, slot, point);
    const grip = gripAt(engine.measurementsIn(slot), engine.view(slot), point);
    if (grip) return gripGesture(engine, slot, grip, point);
    engine.store.set({ selected: null });
    if (tool === "ellipse") return newEllipse(engine, slot, slot.orientation, point);
    if (tool === "length") return newLength(engine, slot, slot.orientation, point);
    return crosshairGesture(engine, slot, point);
  }

  private move(event: PointerEvent): void {
    if (event.pointerType === "touch" && this.touches.has(event.pointerId)) {
      const cell = this.held?.element ?? this.cellOf(event)?.element;
      if (cell) this.touches.set(event.pointerId, this.at(cell, event));
      const [a, b] = [...this.touches.values()];
      if (this.pinch && a && b) {
        this.pinch(a, b);
        return;
      }
    }
    if (this.held) {
      this.held.gesture?.move(this.at(this.held.element, event));
      return;
    }
    const cell = this.cellOf(event);
    if (!cell) return;
    const { engine } = this.page;
    const point = this.at(cell.element, event);
    const view = engine.view(cell.slot);
    this.hovered.send(cell.slot.orientation ? { slot: cell.slot, lps: toWorld(view, point.x, point.y) } : null);
    const grip = cell.slot.orientation ? gripAt(engine.measurementsIn(cell.slot), view, point) : null;
    cell.element.classList.toggle("is-grip", grip !== null);
  }

  private up(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    if (this.touches.size < 2) this.pinch = null;
    const { held } = this;
    this.held = null;
    held?.gesture?.end(this.at(held.element, event));
  }

  private doubleClick(event: MouseEvent): void {
    const cell = this.cellOf(event);
    if (!cell || (event.target as Element).closest("button, a")) return;
    const { store } = this.page.engine;
    store.set({ maximised: store.state.maximised === cell.slot.id ? null : cell.slot.id });
  }

  private wheel(event: WheelEvent): void {
    const cell = this.cellOf(event);
    if (!cell) return;
    event.preventDefault();
    const { engine } = this.page;
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_SLICE;
    if (event.ctrlKey || event.metaKey) {
      const { x, y } = this.at(cell.element, event);
      zoomAt(engine, cell.slot, WHEEL_ZOOM ** (-pixels / 100), x, y);
      return;
    }
    if (engine.store.state.active !== cell.slot.id) engine.store.set({ active: cell.slot.id });
    // A wheel's notch is one slice; a touch pad's trickle is gathered until it makes one.
    if (Math.abs(pixels) >= PIXELS_PER_SLICE) {
      this.wheelLeft = 0;
      engine.step(cell.slot, Math.sign(pixels) * Math.max(1, Math.round(Math.abs(pixels) / 120)));
      return;
    }
    this.wheelLeft += pixels;
    const slices = Math.trunc(this.wheelLeft / PIXELS_PER_SLICE);
    if (slices === 0) return;
    this.wheelLeft -= slices * PIXELS_PER_SLICE;
    engine.step(cell.slot, slices);
  }

  dispose(): void {
    this.abort.abort();
  }
}
