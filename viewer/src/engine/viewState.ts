import { Fields } from "../core/fields";
import type { Measurement } from "../core/measurement";
import type { Orientation } from "../core/planes";
import { NO_PAN, type Session, type ViewKey } from "../core/session";
import type { Vec3 } from "../core/vec3";

/** What a key image remembers, as it is stored on the server. */
export function toViewState(session: Session): Record<string, unknown> {
  return {
    layout: session.layout,
    maximised: session.maximised,
    active: session.active,
    base: session.base,
    overlay: session.overlay,
    centre_lps: session.crosshair,
    focus_lps: session.focus,
    overlay_centre_lps: session.overlayCrosshair,
    overlay_focus_lps: session.overlayFocus,
    windows: session.windows,
    lut: session.maps,
    inverted: session.inverted,
    alpha: session.alpha,
    threshold: session.threshold,
    slab_mm: session.slabMm,
    slab_mode: session.slabMode,
    zoom: session.zoom,
    mip_zoom: session.mipZoom,
    pan: session.pan,
    mip_degrees: session.mipDegrees,
    measurements: session.measurements,
  };
}

/** The patch that recalls a stored view; parts that are missing or damaged are left as they are. */
export function fromViewState(json: unknown, knownSeries: (uid: string) => boolean): Partial<Session> {
  const fields = new Fields(json, "view_state");
  const patch: { -readonly [K in keyof Session]?: Session[K] } = {};
  const take = <K extends keyof Session>(key: K, read: () => Session[K] | null) => {
    try {
      const value = read();
      if (value !== null) patch[key] = value;
    } catch {
      // A view stored by another version: what is understood is recalled.
    }
  };
  const point = (name: string) => fields.numbers(name, 3) as unknown as Vec3;
  const series = (name: string) => {
    const uid = fields.optionalText(name);
    return uid !== null && knownSeries(uid) ? uid : null;
  };
  take("layout", () => fields.text("layout"));
  patch.maximised = fields.optionalText("maximised");
  take("active", () => fields.text("active"));
  take("base", () => series("base"));
  take("overlay", () => series("overlay"));
  take("crosshair", () => point("centre_lps"));
  take("focus", () => point("focus_lps"));
  take("overlayCrosshair", () => point("overlay_centre_lps"));
  take("overlayFocus", () => point("overlay_focus_lps"));
  take("windows", () => {
    const windows = fields.object("windows");
    const uids = Object.keys(fields.raw("windows") as object);
    return Object.fromEntries(
      uids.map((uid) => [uid, windows.numbers(uid, 2) as unknown as readonly [number, number]]),
    );
  });
  take("maps", () => {
    const lut = fields.object("lut");
    return { base: lut.text("base"), overlay: lut.text("overlay"), fused: lut.text("fused") };
  });
  take("inverted", () => {
    const inverted = fields.object("inverted");
    return { base: inverted.flag("base"), overlay: inverted.flag("overlay"), fused: inverted.flag("fused") };
  });
  take("alpha", () => Math.min(1, Math.max(0, fields.number("alpha"))));
  take("threshold", () => fields.number("threshold"));
  take("slabMm", () => fields.number("slab_mm"));
  take("slabMode", () => (fields.text("slab_mode") === "mean" ? "mean" : "max"));
  take("zoom", () => fields.number("zoom"));
  take("mipZoom", () => fields.number("mip_zoom"));
  take("pan", () => {
    const pan = fields.object("pan");
    const at = (key: ViewKey) => pan.numbers(key, 2) as unknown as readonly [number, number];
    return { ...NO_PAN, axial: at("axial"), coronal: at("coronal"), sagittal: at("sagittal"), mip: at("mip") };
  });
  take("mipDegrees", () => fields.number("mip_degrees"));
  take("measurements", () => fields.objects("measurements").map(parseMeasurement));
  patch.mipSpin = 0;
  patch.blink = null;
  return patch;
}

const ORIENTATIONS: readonly string[] = ["axial", "coronal", "sagittal"];

function parseMeasurement(m: Fields): Measurement {
  const orientation = m.text("orientation");
  if (!ORIENTATIONS.includes(orientation)) throw m.wrong("orientation", "a plane");
  const common = {
    id: m.text("id"),
    label: m.text("label"),
    orientation: orientation as Orientation,
    apart: m.flag("apart"),
  };
  const point = (name: string) => m.numbers(name, 3) as unknown as Vec3;
  if (m.text("kind") === "length") return { kind: "length", ...common, from: point("from"), to: point("to") };
  return {
    kind: "ellipse",
    ...common,
    centre: point("centre"),
    axisU: point("axisU"),
    axisV: point("axisV"),
    radiusUMm: m.number("radiusUMm"),
    radiusVMm: m.number("radiusVMm"),
    seriesUids: m.list("seriesUids").map(String),
  };
}
