import { h, icon } from "./dom";

const SHOWN_MS = 4000;
const ICONS = { ok: "circle-check", info: "info-circle", red: "alert-triangle" } as const;

/** Short notices at the foot of the pictures, read out politely. */
export function notices(): { readonly element: HTMLElement; notify(text: string, tone: keyof typeof ICONS): void } {
  const element = h("div", { class: "hvv-notices", "aria-live": "polite" });
  return {
    element,
    notify(text, tone) {
      const note = h("div", { class: `hvv-notice is-${tone}` }, icon(ICONS[tone]), h("span", {}, text));
      element.append(note);
      setTimeout(() => note.remove(), SHOWN_MS);
    },
  };
}
