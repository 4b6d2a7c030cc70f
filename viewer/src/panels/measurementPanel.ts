import { formatNumber, formatValue } from "../core/format";
import { type Measurement, measurementCentre } from "../core/measurement";
import type { RegionResult } from "../engine/measurements";
import { lengthText } from "./annotations";
import { roleName } from "./cellTexts";
import { h, icon, replaceChildren } from "./dom";
import type { Page } from "./page";

/** All measurements with their numbers; a row leads to its place. */
export function measurementPanel(page: Page): HTMLElement {
  const { engine, t } = page;
  const root = h("section", { class: "hvv-list" });
  const draw = () => {
    const { measurements } = engine.store.state;
    if (measurements.length === 0) {
      const words = h("p", { class: "hv-mut hv-xs" }, t("noMeasurementsWhat"));
      replaceChildren(root, h("div", { class: "hvv-none" }, h("b", {}, t("noMeasurements")), words));
      return;
    }
    const head = h("tr", {}, h("th", {}, "#"), h("th", {}), h("th", { class: "num" }, "max"));
    head.append(h("th", { class: "num" }, t("mean")), h("th", { class: "num" }, "mm²"), h("th", {}), h("th", {}));
    const body = h("tbody", {}, ...measurements.flatMap((m) => rows(page, m)));
    replaceChildren(root, h("table", { class: "hv-table hvv-measures" }, h("thead", {}, head), body));
  };
  engine.measurements.changed.listen(draw);
  engine.store.subscribe((state, before) => {
    if (state.selected !== before.selected) draw();
  });
  draw();
  return root;
}

function rows(page: Page, m: Measurement): HTMLElement[] {
  const { engine, t } = page;
  const go = () => {
    engine.store.set({ selected: m.id });
    const overlay = engine.grid().slots.find((slot) => slot.content === "overlay") ?? null;
    engine.setCrosshair(measurementCentre(m), m.apart ? overlay : null);
  };
  const remove = h(
    "button",
    {
      type: "button",
      class: "hvv-t is-small",
      title: t("remove"),
      "aria-label": `${t("remove")} ${m.label}`,
      onclick: drop,
    },
    icon("trash"),
  );
  function drop(event: Event): void {
    event.stopPropagation();
    engine.measurements.remove(m.id);
  }
  const className = engine.store.state.selected === m.id ? "is-on" : "";
  if (m.kind === "length") {
    const cells = [h("td", { class: "hv-strong" }, m.label), h("td", {}, t("length"))];
    cells.push(h("td", { class: "num", colspan: 4 }, lengthText(m)), h("td", {}, remove));
    return [h("tr", { class: className, onclick: go }, ...cells)];
  }
  return m.seriesUids.map((uid, n) => {
    const result = engine.measurements.result(m, uid);
    const s = result.statistics;
    const value = (number: number | undefined) => (s && number !== undefined ? formatValue(number, s.units) : "–");
    const units = s?.units === "SUVbw" ? "SUV" : (s?.units ?? "");
    return h(
      "tr",
      { class: className, onclick: go },
      h("td", { class: "hv-strong" }, n === 0 ? m.label : ""),
      h("td", { class: "hv-nw" }, roleName(engine.library.get(uid)), h("span", { class: "hv-faint" }, ` ${units}`)),
      h("td", { class: "num" }, value(s?.max)),
      h("td", { class: "num" }, value(s?.mean)),
      h("td", { class: "num" }, s && n === 0 ? formatNumber(s.areaMm2, 0) : ""),
      h("td", {}, source(page, result)),
      h("td", {}, n === 0 ? remove : null),
    );
  });
}

/** Who computed the number: only the server's may leave the viewer. */
function source({ t }: Page, { state, server, statistics, refusal }: RegionResult): HTMLElement {
  const count = statistics ? `${statistics.voxels} ${t("voxels")}` : "";
  if (state === "server") {
    const title = [count, server?.method, server?.version].filter(Boolean).join("\n");
    return h("span", { class: "hvv-source is-server", title }, icon("shield-check"), t("byServer"));
  }
  if (state === "asking") return h("span", { class: "hvv-source", title: count }, t("asking"));
  const title = state === "failed" ? refusal || t("askFailed") : count;
  return h("span", { class: `hvv-source ${state === "failed" ? "hv-amber" : ""}`, title }, t("byViewer"));
}
