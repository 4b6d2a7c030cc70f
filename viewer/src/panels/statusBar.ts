import { formatNumber, formatValue } from "../core/format";
import type { LoadedSeries } from "../engine/loadedSeries";
import { shareFrame } from "../engine/views";
import { roleName } from "./cellTexts";
import { h, icon, setText } from "./dom";
import type { Page } from "./page";
import type { Hovered } from "./pointerInput";

/** The bottom line: where the pointer is and what is there; how loading goes; what draws. */
export function statusBar(page: Page): { readonly element: HTMLElement; hover(at: Hovered | null): void } {
  const { engine, t } = page;
  const place = h("span");
  const upper = valueField();
  const raw = valueField();
  const lower = valueField();
  const loading = h("span", { class: "hvv-loading" });
  const drawn = h("span", { class: "hvv-wide" });
  const element = h(
    "footer",
    { class: "hvv-status" },
    place,
    upper.element,
    raw.element,
    lower.element,
    h("span", { class: "hv-spacer" }),
    loading,
    h("span", { class: "hvv-wide" }, icon("lock"), ` ${t("displayOnly")}`),
    drawn,
  );
  let at: Hovered | null = null;
  let frame = 0;
  const draw = () => {
    frame = 0;
    // Without a pointer over the pictures: the linked point.
    const { crosshair, overlayCrosshair } = engine.store.state;
    const point = at?.lps ?? crosshair;
    const [x, y, z] = point.map((mm) => formatNumber(mm, 1));
    setText(place, `${t("cursor")} x ${x} y ${y} z ${z} mm`);
    const { base, overlay } = engine.pair;
    const linked = shareFrame(engine.pair);
    // In different frames of reference a point of one is no point of the other.
    const apart = at !== null && engine.isApart(at.slot);
    const overAt = linked || apart ? point : at === null ? overlayCrosshair : null;
    const underAt = linked || !apart ? point : null;
    const over = overlay && overAt && engine.probe(overlay.entry.uid, overAt);
    const under = base && underAt && engine.probe(base.entry.uid, underAt);
    upper.show(over ? over.units : "", over ? value(over.voxel, over.units, over.isFull) : "");
    const hasRaw = over != null && over.units !== over.rawUnits;
    raw.show(hasRaw ? over.rawUnits : "", hasRaw ? value(over.rawValue, over.rawUnits, over.isFull) : "");
    const unit = under?.units === "HU" ? " HU" : "";
    lower.show(under ? roleName(base) : "", under ? `${value(under.voxel, under.units, under.isFull)}${unit}` : "");
  };
  const request = () => {
    if (frame === 0) frame = requestAnimationFrame(draw);
  };
  const drawLoading = () => {
    const busy = engine.library.all().filter((series) => series.status === "loading");
    setText(loading, busy.map((series) => progressText(series, t("loading"), t("preview"))).join("  "));
    request();
  };
  const drawBackend = () => {
    const { description } = engine.backend;
    setText(drawn, engine.fallback ? t("cpuBecause") : description);
    drawn.title = engine.fallback ?? `${t("drawnBy")} ${description}`;
    // On a narrow window the line drops what is usual; that the graphics failed is not.
    drawn.classList.toggle("hvv-wide", engine.fallback === null);
    drawn.classList.toggle("hv-amber", engine.fallback !== null);
  };
  engine.store.subscribe(request);
  engine.library.changed.listen(drawLoading);
  engine.backendChanged.listen(drawBackend);
  drawBackend();
  return {
    element,
    hover(point) {
      at = point;
      request();
    },
  };
}

/** A number of the coarse preview is marked as about. */
function value(number: number, units: string, isFull: boolean): string {
  return `${isFull ? "" : "≈ "}${formatValue(number, units)}`;
}

function progressText(series: LoadedSeries, loading: string, preview: string): string {
  return `${loading} ${roleName(series)} ${series.grid ? "" : preview} ${Math.round(series.progress * 100)}%`;
}

function valueField(): { readonly element: HTMLElement; show(label: string, text: string): void } {
  const label = h("span");
  const number = h("b");
  const element = h("span", {}, label, " ", number);
  return {
    element,
    show(name, text) {
      element.hidden = text === "";
      setText(label, name);
      setText(number, text);
    },
  };
}
