import { h, replaceChildren } from "./dom";
import { fusionPanel } from "./fusionPanel";
import { keyImagePanel } from "./keyImagePanel";
import { measurementPanel } from "./measurementPanel";
import type { Page } from "./page";
import { priorPanel } from "./priorPanel";
import { seriesPanel } from "./seriesPanel";
import { shortcutPanel } from "./shortcutPanel";
import type { Word } from "./words";

interface Tab {
  readonly word: Word;
  readonly element: HTMLElement;
  count(): number;
}

/** The column at the right: lists in tabs, then fusion, key images, keys. */
export function side(page: Page): HTMLElement {
  const { engine, t } = page;
  const tabs: readonly Tab[] = [
    {
      word: "measurements",
      element: measurementPanel(page),
      count: () => engine.store.state.measurements.length,
    },
    { word: "series", element: seriesPanel(page), count: () => engine.manifest?.series.length ?? 0 },
    { word: "priors", element: priorPanel(page), count: () => engine.manifest?.otherStudies.length ?? 0 },
  ];
  let current: Word = "series";
  const buttons = tabs.map((tab) => {
    const choose = () => {
      current = tab.word;
      draw();
    };
    return h("button", { type: "button", role: "tab", onclick: choose });
  });
  const draw = () => {
    for (const [n, tab] of tabs.entries()) {
      const button = buttons[n]!;
      const on = tab.word === current;
      replaceChildren(button, t(tab.word), h("span", { class: "hv-num hv-faint" }, String(tab.count())));
      button.setAttribute("aria-selected", String(on));
      tab.element.hidden = !on;
    }
  };
  engine.manifestChanged.listen(draw);
  let before = 0;
  engine.measurements.changed.listen(() => {
    const now = engine.store.state.measurements.length;
    // The first measurement is what the reader now wants to see.
    if (now > before) current = "measurements";
    before = now;
    draw();
  });
  draw();
  return h(
    "aside",
    { class: "hvv-side", "aria-label": t("sidePanel") },
    h("section", {}, h("div", { class: "hv-seg hvv-tabs", role: "tablist" }, ...buttons)),
    ...tabs.map((tab) => tab.element),
    fusionPanel(page),
    keyImagePanel(page),
    shortcutPanel(page),
  );
}
