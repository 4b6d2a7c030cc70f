import { COLOUR_MAPS, type ColourMap, colourTable } from "../colour/maps";
import type { MapSlot } from "../core/session";
import { h, icon } from "./dom";
import type { Page } from "./page";
import type { Word } from "./words";

const SLOTS: readonly (readonly [MapSlot, Word])[] = [
  ["overlay", "mapPet"],
  ["fused", "mapFused"],
  ["base", "mapBase"],
];

/** Colour maps to choose from, one column for each kind of picture. */
export function colourMenu(page: Page): HTMLElement {
  const { engine, t } = page;
  const columns = SLOTS.map(([slot, word]) => {
    const buttons = COLOUR_MAPS.map((map) => choice(page, slot, map));
    const draw = () => {
      for (const { element, map } of buttons) {
        element.setAttribute("aria-pressed", String(engine.store.state.maps[slot] === map.id));
      }
    };
    for (const { element, map } of buttons) {
      element.addEventListener("click", () => {
        engine.store.set({ maps: { ...engine.store.state.maps, [slot]: map.id } });
        draw();
      });
    }
    draw();
    return h("div", { class: "hvv-maps" }, h("h6", {}, t(word)), ...buttons.map(({ element }) => element));
  });
  return h("div", { class: "hvv-colours" }, ...columns);
}

function choice({ t, language }: Page, slot: MapSlot, map: ColourMap): { element: HTMLElement; map: ColourMap } {
  const warning = map.monotone || slot === "base" ? "" : t("notMonotone");
  const element = h(
    "button",
    { type: "button", class: "hvv-map", title: warning },
    swatch(map.id),
    h("span", {}, language === "zh" ? map.nameZh : map.nameEn),
    warning ? icon("info-circle") : null,
  );
  return { element, map };
}

function swatch(id: string): HTMLCanvasElement {
  const canvas = h("canvas", { width: 256, height: 1, class: "hvv-swatch" });
  const table = colourTable(id, false);
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) image.data.set([table[i * 3]!, table[i * 3 + 1]!, table[i * 3 + 2]!, 255], i * 4);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
