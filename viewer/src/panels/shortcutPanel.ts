import { h } from "./dom";
import type { Page } from "./page";
import type { Word } from "./words";

const KEYS: readonly (readonly [string | Word, Word])[] = [
  ["1–5", "petUpper"],
  ["⇧1–⇧5", "ctWindow"],
  ["F", "keyBlink"],
  ["[ ]", "keyMix"],
  ["I", "invert"],
  ["M", "keySpin"],
  ["E", "ellipse"],
  ["L", "length"],
  ["↑ ↓", "keyStep"],
  ["X", "keyCross"],
  ["K", "keyImage"],
  ["R", "reset"],
  ["keyWindow", "window"],
  ["keyDouble", "keySingle"],
];

export function shortcutPanel({ t }: Page): HTMLElement {
  const list = h("div", { class: "hvv-keys hv-xs hv-mut" });
  for (const [key, word] of KEYS) {
    const shown = key.startsWith("key") ? t(key as Word) : key;
    list.append(h("span", { class: "hv-kbd" }, shown), h("span", {}, t(word)));
  }
  return h("section", {}, h("h2", {}, t("shortcuts")), list);
}
