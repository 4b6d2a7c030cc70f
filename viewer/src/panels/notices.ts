import { h, icon } from "./dom";
import type { NoticeAction, Page } from "./page";

const SHOWN_MS = 4000;
const SHOWN_WITH_ACTION_MS = 9000;
const ICONS = { ok: "circle-check", info: "info-circle", red: "alert-triangle" } as const;

/** Short notices at the foot of the pictures, read out politely. */
export function notices(): { readonly element: HTMLElement; readonly notify: Page["notify"] } {
  const element = h("div", { class: "hvv-notices", "aria-live": "polite" });
  const notify = (text: string, tone: keyof typeof ICONS, action?: NoticeAction) => {
    const note = h("div", { class: `hvv-notice is-${tone}` }, icon(ICONS[tone]), h("span", {}, text));
    if (action) {
      const act = () => {
        note.remove();
        action.act();
      };
      note.append(h("button", { type: "button", class: "btn is-sm", onclick: act }, action.word));
    }
    element.append(note);
    setTimeout(() => note.remove(), action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
  };
  return { element, notify };
}
