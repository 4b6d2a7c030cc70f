import { colourMap, colourTable } from "../colour/maps";
import { gridBox } from "../core/box";
import { frameAt } from "../core/mipFrames";
import type { MapSlot, Session } from "../core/session";
import { type SliceView, toPixel } from "../core/sliceView";
import { along, dot, subtract } from "../core/vec3";
import type { Content, Slot } from "../layouts/layouts";
import type { BlankScene, Cross, Layer, Rect, Rgb, Scene, Slab } from "../render/scene";
import type { LoadedSeries } from "./loadedSeries";
import { type Pair, shareFrame, viewOf } from "./views";

export interface CellBox {
  readonly slot: Slot;
  /** Device pixels of the canvas. */
  readonly rect: Rect;
}

export interface SceneInput {
  readonly session: Session;
  readonly pair: Pair;
  readonly pixelRatio: number;
  /** Coarse rays, for the processor alone. */
  readonly frugal: boolean;
}

const CROSS_ON_DARK: Rgb = [88, 160, 182];
const CROSS_ON_LIGHT: Rgb = [11, 100, 128];

/** The picture of one cell as a function of the session and of what is loaded. */
export function buildScene(input: SceneInput, box: CellBox): Scene {
  const { session, pair } = input;
  const { slot, rect } = box;
  const view = viewOf(session, pair, slot, rect.width, rect.height);
  const cross = session.crosshairShown ? crossAt(input, slot.content, view) : null;
  const base = shown(pair.base);
  const overlay = shown(pair.overlay);
  const blank: BlankScene = { kind: "blank", rect, cross: null, colour: background(session, slot.content) };

  if (slot.content === "mip") return overlay ? mipScene(input, box, view, overlay, cross) : blank;
  const slab = slabOf(input, pair.base ?? pair.overlay);
  const slice = (layer: Layer): Scene => ({ kind: "slice", rect, view, base: layer, overlay: null, slab, cross });
  if (slot.content === "base") return base ? slice(layerOf(session, base, "base")) : blank;
  if (slot.content === "overlay") return overlay ? slice(layerOf(session, overlay, "overlay")) : blank;

  if (!shareFrame(pair) || pair.base?.status === "failed" || pair.overlay?.status === "failed") return blank;
  if (!overlay) return base ? slice(layerOf(session, base, "base")) : blank;
  if (!base || session.blink === "overlay") return slice(layerOf(session, overlay, "fused"));
  if (session.blink === "base") return slice(layerOf(session, base, "base"));
  const top = { ...layerOf(session, overlay, "fused"), alpha: session.alpha, threshold: session.threshold };
  return { kind: "slice", rect, view, base: layerOf(session, base, "base"), overlay: top, slab, cross };
}

export function mapSlotOf(content: Content): MapSlot {
  return content === "mip" ? "overlay" : content;
}

export function windowOf(session: Session, series: LoadedSeries): readonly [number, number] {
  return session.windows[series.entry.uid] ?? series.header?.defaultWindow ?? [0, 1];
}

function shown(series: LoadedSeries | null): LoadedSeries | null {
  return series?.header && (series.grid || series.mip) ? series : null;
}

function layerOf(session: Session, series: LoadedSeries, slot: MapSlot): Layer {
  return {
    volume: series.entry.uid,
    factor: series.scale?.factor ?? 1,
    window: windowOf(session, series),
    map: session.maps[slot],
    inverted: session.inverted[slot],
  };
}

function mipScene(input: SceneInput, box: CellBox, view: SliceView, overlay: LoadedSeries, cross: Cross | null): Scene {
  const { session } = input;
  const layer = layerOf(session, overlay, "overlay");
  const { rect } = box;
  if (overlay.mip) {
    const { header } = overlay.mip;
    // Frames may be stored in SUV already.
    const factor = header.units.startsWith("SUV") ? 1 : layer.factor;
    const frame = frameAt(header, session.mipDegrees);
    return { kind: "mip", rect, view, layer: { ...layer, factor }, frame, cross };
  }
  const grid = overlay.grid;
  if (!grid) return { kind: "blank", rect, cross: null, colour: background(session, "mip") };
  // No stored projections: march through the volume itself.
  const whole = gridBox(grid);
  const depth = Math.hypot(...subtract(whole.max, whole.min).slice(0, 2));
  const step = Math.min(...grid.spacingMm) * (input.frugal ? 3 : 0.75);
  const samples = Math.min(input.frugal ? 120 : 600, Math.ceil(depth / step));
  const slab: Slab = { samples, stepMm: depth / samples, mode: "max" };
  const towardsMiddle = dot(subtract(grid.centre(), view.centre), view.forward);
  const centred = { ...view, centre: along(view.centre, view.forward, towardsMiddle) };
  return { kind: "slice", rect, view: centred, base: layer, overlay: null, slab, cross };
}

function slabOf({ session, frugal }: SceneInput, series: LoadedSeries | null): Slab | null {
  if (session.slabMm <= 0 || !series?.grid) return null;
  const step = Math.min(...series.grid.spacingMm) * (frugal ? 2 : 1);
  const samples = Math.max(2, Math.ceil(session.slabMm / step) + 1);
  return { samples, stepMm: session.slabMm / (samples - 1), mode: session.slabMode };
}

function crossAt({ session, pixelRatio }: SceneInput, content: Content, view: SliceView): Cross {
  const { x, y } = toPixel(view, session.crosshair);
  return {
    x,
    y,
    colour: isLight(session, content) ? CROSS_ON_LIGHT : CROSS_ON_DARK,
    gap: Math.round(14 * pixelRatio),
    thickness: Math.max(1, Math.round(pixelRatio)),
  };
}

/** Is the picture's background, the colour of the lowest value, a light one? */
export function isLight(session: Session, content: Content): boolean {
  const [r, g, b] = background(session, content);
  return r + g + b > 380;
}

function background(session: Session, content: Content): Rgb {
  // Under a fused picture lies the base; where nothing is loaded yet its map decides as well.
  const slot = content === "fused" ? "base" : mapSlotOf(content);
  const table = colourTable(colourMap(session.maps[slot]).id, session.inverted[slot]);
  return [table[0]!, table[1]!, table[2]!];
}
