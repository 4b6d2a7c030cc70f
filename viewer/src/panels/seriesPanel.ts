import type { LoadedSeries } from "../engine/loadedSeries";
import { h, icon, replaceChildren } from "./dom";
import { failureWords } from "./failureWords";
import type { Page } from "./page";

/** Every series of the study, what it is used for, and how far it is. */
export function seriesPanel(page: Page): HTMLElement {
  const { engine } = page;
  const root = h("section", { class: "hvv-list" });
  let shown = "";
  const draw = () => {
    const { base, overlay } = engine.store.state;
    const all = engine.library.all();
    const key = all
      .map((s) => `${s.entry.uid} ${s.status} ${s.header !== null} ${Math.round(s.progress * 20)}`)
      .concat(base ?? "", overlay ?? "")
      .join("|");
    if (key === shown) return;
    shown = key;
    replaceChildren(root, h("ul", { class: "hvv-series" }, ...all.map((series) => row(page, series))));
  };
  engine.library.changed.listen(draw);
  engine.store.subscribe(draw);
  return root;
}

function row(page: Page, series: LoadedSeries): HTMLElement {
  const { engine, t } = page;
  const { entry } = series;
  const { base, overlay } = engine.store.state;
  const used = entry.uid === base || entry.uid === overlay;
  const role = (name: "base" | "overlay") => {
    const on = (name === "base" ? base : overlay) === entry.uid;
    const title = t(name === "base" ? "asBase" : "asOverlay");
    return h(
      "button",
      {
        type: "button",
        class: "hvv-t is-small",
        title,
        "aria-label": `${title}: ${entry.description}`,
        "aria-pressed": String(on),
        disabled: entry.volume === null,
        onclick: () => void engine.show(name, on ? null : entry.uid),
      },
      t(name === "base" ? "baseShort" : "overlayShort"),
    );
  };
  return h(
    "li",
    { class: used ? "is-on" : "" },
    h("span", { class: "hvv-modality" }, entry.role === "OTHER" ? entry.modality : entry.role.replace("_", " ")),
    h(
      "span",
      { class: "hvv-series-name", title: entry.description },
      h("span", {}, entry.description || entry.modality, finding(page, series)),
      h(
        "small",
        { class: "hv-faint hv-num" },
        `#${entry.number} · ${entry.instances} ${t("images")}`,
        ...state(page, series),
      ),
    ),
    role("base"),
    role("overlay"),
  );
}

/** What was odd about the slices, behind a sign. */
function finding({ language }: Page, series: LoadedSeries): HTMLElement | null {
  const texts = series.header?.findings.map((text) => text[language]) ?? [];
  if (texts.length === 0) return null;
  return h(
    "span",
    { class: "hvv-finding hv-amber", title: texts.join("\n"), role: "img", "aria-label": texts.join("; ") },
    icon("alert-triangle"),
  );
}

function state(page: Page, series: LoadedSeries): (Node | string)[] {
  const { t, engine } = page;
  const percent = `${Math.round(series.progress * 100)}%`;
  if (series.entry.volume === null) return [` · ${t("noVolume")}`];
  if (series.status === "preparing") return [` · ${t("preparingVolume")} ${percent}`];
  if (series.status === "loading") return [` · ${t("loading")} ${percent}`];
  if (series.status !== "failed" || !series.failure) return [];
  const { words, detail } = failureWords(page, series.entry, series.failure);
  const retry = h(
    "button",
    {
      type: "button",
      class: "hvv-t is-small",
      title: t("retry"),
      "aria-label": t("retry"),
      onclick: () => void engine.retry(series.entry.uid),
    },
    icon("refresh"),
  );
  return [h("span", { class: "hv-amber", title: detail }, ` · ${words}`), retry];
}
