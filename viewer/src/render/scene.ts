import type { Window } from "../colour/windows";
import type { SliceView } from "../core/sliceView";

/** Part of the canvas in device pixels, from its top left. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One volume as it takes part in a picture. */
export interface Layer {
  /** Key under which the backend holds it. */
  readonly volume: string;
  /** Shown units per stored unit: the SUV factor. */
  readonly factor: number;
  readonly window: Window;
  readonly map: string;
  readonly inverted: boolean;
}

export type Rgb = readonly [number, number, number];

/** Lines through a point, open round it so that the point itself stays visible. Pixels of the cell. */
export interface Cross {
  readonly x: number;
  readonly y: number;
  readonly colour: Rgb;
  readonly gap: number;
  readonly thickness: number;
}

export interface Slab {
  readonly samples: number;
  readonly stepMm: number;
  readonly mode: "max" | "mean";
}

interface Cell {
  readonly rect: Rect;
  readonly cross: Cross | null;
}

/**
 * A plane through one or two volumes. Colour = (1 - alpha) · base + alpha · overlay where the overlay reaches `threshold`,
 * otherwise base; with one volume only, its own colour.
 */
export interface SliceScene extends Cell {
  readonly kind: "slice";
  readonly view: SliceView;
  readonly base: Layer;
  readonly overlay: (Layer & { readonly alpha: number; readonly threshold: number }) | null;
  readonly slab: Slab | null;
}

/** One stored projection. */
export interface MipScene extends Cell {
  readonly kind: "mip";
  readonly view: SliceView;
  readonly layer: Layer;
  readonly frame: number;
}

export interface BlankScene extends Cell {
  readonly kind: "blank";
  readonly colour: Rgb;
}

export type Scene = SliceScene | MipScene | BlankScene;
