import { colourMap } from "../colour/maps";
import { formatLimit } from "../core/format";
import { directionLetters, slicePosition } from "../core/planes";
import { scale } from "../core/vec3";
import type { Engine } from "../engine/engine";
import type { LoadedSeries } from "../engine/loadedSeries";
import { isLight, mapSlotOf, windowOf } from "../engine/sceneBuilder";
import { shareFrame } from "../engine/views";
import type { Slot } from "../layouts/layouts";
import type { Language, Translate } from "./words";

export interface ColourBar {
  readonly map: string;
  readonly inverted: boolean;
  readonly high: string;
  readonly middle: string;
  readonly low: string;
}

/** All words and numbers on a picture. */
export interface CellTexts {
  readonly title: string;
  readonly description: string;
  readonly position: string;
  readonly bottom: string;
  readonly left: string;
  readonly top: string;
  readonly bar: ColourBar | null;
  readonly light: boolean;
}

export function cellTexts(engine: Engine, slot: Slot, t: Translate, language: Language): CellTexts {
  const { state } = engine.store;
  const { base, overlay } = engine.pair;
  const view = engine.view(slot);
  const upper = slot.content === "base" ? base : (overlay ?? base);
  const fusing = slot.content !== "fused" || shareFrame(engine.pair);
  const primary = engine.primary(slot);
  const window = upper?.header ? windowOf(state, upper) : null;
  const mapSlot = mapSlotOf(slot.content);
  const map = colourMap(state.maps[mapSlot]);
  const mapName = language === "zh" ? map.nameZh : map.nameEn;
  const limits = window && upper && fusing ? windowText(upper, window, slot, mapName) : "";
  const described = slot.content === "fused" ? null : upper;
  return {
    title: title(engine, slot, t),
    description: described?.entry.description ?? "",
    position: slot.orientation ? sliceText(engine, slot, primary) : limits,
    bottom: slot.orientation ? limits : "",
    left: directionLetters(scale(view.right, -1)),
    top: directionLetters(scale(view.down, -1)),
    bar: window && fusing ? bar(map.id, state.inverted[mapSlot], window) : null,
    light: isLight(state, slot.content),
  };
}

function title(engine: Engine, slot: Slot, t: Translate): string {
  const { base, overlay } = engine.pair;
  const { state } = engine.store;
  if (!slot.orientation) {
    const step = overlay?.mip?.header.degreesPerFrame ?? 1;
    const degrees = (((Math.round(state.mipDegrees / step) * step) % 360) + 360) % 360;
    return `MIP ${sideName(degrees, t)} ${Math.round(degrees)}°`;
  }
  const plane = t(slot.orientation);
  const slab = state.slabMm > 0 ? ` ${t("slab")} ${formatLimit(state.slabMm)} mm` : "";
  if (slot.content !== "fused") return `${plane} ${roleName(slot.content === "base" ? base : overlay)}${slab}`;
  const mixed = state.blink === "base" ? roleName(base) : `${t("fused")} ${Math.round(state.alpha * 100)}%`;
  return `${plane} ${mixed}${slab}`;
}

const ROLE_NAMES: Readonly<Record<string, string>> = { PET: "PET", PET_NAC: "PET NAC", CT: "CT", MR: "MR", NM: "NM" };

export function roleName(series: LoadedSeries | null): string {
  return series ? (ROLE_NAMES[series.entry.role] ?? series.entry.modality) : "";
}

function sideName(degrees: number, t: Translate): string {
  if (degrees === 0) return t("front");
  if (degrees === 180) return t("back");
  // The viewer walks round the patient by way of the patient's left: see mipPlane.
  if (degrees === 90) return t("leftSide");
  if (degrees === 270) return t("rightSide");
  return t("oblique");
}

function sliceText(engine: Engine, slot: Slot, series: LoadedSeries | null): string {
  if (!series?.grid) return "";
  const { index, count } = slicePosition(series.grid, engine.view(slot).forward, engine.crosshairIn(slot));
  // Slices of the coarse preview would be taken for those of the series.
  return series.isFull ? `${index} / ${count}` : "";
}

function windowText(series: LoadedSeries, [low, high]: readonly [number, number], slot: Slot, mapName: string): string {
  const units = series.scale?.units ?? "";
  const name = slot.content === "fused" ? `${mapName} · ` : "";
  if (units === "HU" || series.header?.modality === "MR") {
    return `${name}W ${formatLimit(Math.round(high - low))} L ${formatLimit(Math.round((high + low) / 2))}`;
  }
  return `${name}${units === "SUVbw" ? "SUV" : units} ${formatLimit(low)}–${formatLimit(high)}`;
}

function bar(map: string, inverted: boolean, [low, high]: readonly [number, number]): ColourBar {
  const limit = (value: number) => formatLimit(Math.abs(value) >= 20 ? Math.round(value) : value);
  return { map, inverted, high: limit(high), middle: limit((low + high) / 2), low: limit(low) };
}
