import { CT_WINDOWS, PET_UPPERS } from "../colour/windows";
import { initialSession, NO_PAN } from "../core/session";
import type { Slot } from "../layouts/layouts";
import type { Command } from "../tools/keys";
import type { Engine } from "./engine";
import { mapSlotOf } from "./sceneBuilder";

/** Sets the upper level of the overlay, its lower level stays; only where values are SUV. */
export function setPetUpper(engine: Engine, upper: number): void {
  const { overlay } = engine.pair;
  if (overlay?.scale?.isSuv) engine.setWindow(overlay.entry.uid, [engine.window(overlay.entry.uid)[0], upper]);
}

export function setCtWindow(engine: Engine, index: number): void {
  const { base } = engine.pair;
  const preset = CT_WINDOWS[index];
  if (preset && base?.scale?.units === "HU") engine.setWindow(base.entry.uid, preset.window);
}

export function setAlpha(engine: Engine, alpha: number): void {
  engine.store.set({ alpha: Math.min(1, Math.max(0, Math.round(alpha * 100) / 100)) });
}

export function activeSlot(engine: Engine): Slot | null {
  const { slots } = engine.grid();
  return slots.find((slot) => slot.id === engine.store.state.active) ?? slots[0] ?? null;
}

/** Everything that is shown as it was at first; measurements, layout and the place in the patient stay. */
export function resetView(engine: Engine): void {
  const { alpha, threshold, slabMm, slabMode, zoom, mipZoom, maps, inverted } = initialSession();
  engine.store.set({
    ...{ alpha, threshold, slabMm, slabMode, zoom, mipZoom, maps, inverted },
    ...{ windows: {}, pan: NO_PAN, mipDegrees: 0, mipSpin: 0, blink: null, crosshairShown: true },
    focus: engine.store.state.crosshair,
    overlayFocus: engine.store.state.overlayCrosshair,
  });
}

/** Does what a key stands for; false for those that need the page. */
export function run(engine: Engine, command: Command): boolean {
  const { store } = engine;
  const { state } = store;
  const slot = activeSlot(engine);
  switch (command.name) {
    case "petUpper":
      setPetUpper(engine, PET_UPPERS[command.index]!);
      return true;
    case "ctWindow":
      setCtWindow(engine, command.index);
      return true;
    case "step":
      if (slot) engine.step(slot, command.slices);
      return true;
    case "mix":
      setAlpha(engine, state.alpha + command.change);
      return true;
    case "half":
      setAlpha(engine, 0.5);
      return true;
    case "tool":
      store.set({ tool: state.tool === command.tool ? "crosshair" : command.tool });
      return true;
    case "blink":
      store.set({ blink: "base" });
      return true;
    case "invert": {
      const map = mapSlotOf(slot?.content ?? "overlay");
      store.set({ inverted: { ...state.inverted, [map]: !state.inverted[map] } });
      return true;
    }
    case "spin":
      store.set({ mipSpin: state.mipSpin === 0 ? 1 : 0 });
      return true;
    case "cross":
      store.set({ crosshairShown: !state.crosshairShown });
      return true;
    case "reset":
      resetView(engine);
      return true;
    case "delete":
      if (state.selected) engine.measurements.remove(state.selected);
      return true;
    case "undo":
      engine.measurements.undo();
      return true;
    case "redo":
      engine.measurements.redo();
      return true;
    case "escape":
      // One thing at a time, the nearest first.
      if (state.selected) store.set({ selected: null });
      else if (state.tool !== "crosshair") store.set({ tool: "crosshair" });
      else if (state.maximised) store.set({ maximised: null });
      return true;
    case "keyImage":
    case "keyLayout":
      return false;
  }
}
