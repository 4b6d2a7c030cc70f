import type { Measurement } from "./measurement";
import type { Orientation } from "./planes";
import type { Vec3 } from "./vec3";

export type ToolName = "crosshair" | "window" | "pan" | "zoom" | "ellipse" | "length";
/** The three kinds of picture that own a colour map: base alone, overlay alone (and its MIP), overlay on base. */
export type MapSlot = "base" | "overlay" | "fused";
export type ViewKey = Orientation | "mip";

/** Everything the pictures are a function of, besides the volumes themselves. Serialisable. */
export interface Session {
  readonly layout: string;
  /** Slot shown alone, by double click. */
  readonly maximised: string | null;
  readonly active: string;
  readonly tool: ToolName;
  /** Series under and over: CT or MR below, PET or SPECT above. */
  readonly base: string | null;
  readonly overlay: string | null;
  readonly crosshair: Vec3;
  /** Point the views are centred on where the body is larger than the cell. */
  readonly focus: Vec3;
  /** The same two for the overlay while it lies in another frame of reference than the base: there is no common point then. */
  readonly overlayCrosshair: Vec3;
  readonly overlayFocus: Vec3;
  /** [low, high] in shown units by series. */
  readonly windows: Readonly<Record<string, readonly [number, number]>>;
  readonly maps: Readonly<Record<MapSlot, string>>;
  readonly inverted: Readonly<Record<MapSlot, boolean>>;
  /** Share of the overlay in the fused picture: 0 pure base, 1 pure overlay. */
  readonly alpha: number;
  /** Overlay below this value (shown units) is transparent. */
  readonly threshold: number;
  /** While the blink key is held: what the fused cells show instead. */
  readonly blink: "base" | "overlay" | null;
  readonly slabMm: number;
  readonly slabMode: "max" | "mean";
  readonly zoom: number;
  readonly mipZoom: number;
  /** Where the middle of each view is moved to, along its right and down, mm from the fitted place. */
  readonly pan: Readonly<Record<ViewKey, readonly [number, number]>>;
  readonly mipDegrees: number;
  /** Turns per frame step: 1 forward, -1 backward, 0 still. */
  readonly mipSpin: -1 | 0 | 1;
  readonly crosshairShown: boolean;
  readonly measurements: readonly Measurement[];
  readonly selected: string | null;
}

export const NO_PAN: Session["pan"] = { axial: [0, 0], coronal: [0, 0], sagittal: [0, 0], mip: [0, 0] };

export function initialSession(): Session {
  return {
    layout: "house",
    maximised: null,
    active: "",
    tool: "crosshair",
    base: null,
    overlay: null,
    crosshair: [0, 0, 0],
    focus: [0, 0, 0],
    overlayCrosshair: [0, 0, 0],
    overlayFocus: [0, 0, 0],
    windows: {},
    maps: { base: "grey", overlay: "inverse_grey", fused: "hot_iron" },
    inverted: { base: false, overlay: false, fused: false },
    alpha: 0.5,
    threshold: 0,
    blink: null,
    slabMm: 0,
    slabMode: "max",
    zoom: 1,
    mipZoom: 1,
    pan: NO_PAN,
    mipDegrees: 0,
    mipSpin: 0,
    crosshairShown: true,
    measurements: [],
    selected: null,
  };
}
