/** Short notices in the corner. Red ones stay until closed; a pointer or focus on one keeps it. */
import { icon, word } from "./words.js";

const STAYS_MS = { ok: 5000, info: 7000, amber: 9000 };
const ICONS = { ok: "circle-check", info: "info-circle", amber: "alert-triangle", red: "alert-octagon" };
const MOST = 4;
/** Kept here: it lies in the topmost dialog, and a dialog that is swapped away takes it out of the page. */
const corner = document.getElementById("hv-toasts");

/**
 * @typedef {object} Notice
 * @property {string} text
 * @property {"ok" | "info" | "amber" | "red"} [tone]
 * @property {string} [title]
 * @property {string} [reference] number for the engineer
 * @property {{word: string, run: () => void}} [action]
 */

/**
 * Show a notice.
 * @param {Notice} notice
 * @returns {HTMLElement}
 */
export function toast({ text, tone = "ok", title, reference, action }) {
  const place = /** @type {HTMLElement} */ (corner?.querySelector(tone === "red" ? "#hv-urgent" : "#hv-polite"));
  const box = document.createElement("div");
  box.className = `hv-toast s-${tone}`;
  const body = document.createElement("div");
  if (title) {
    const head = document.createElement("b");
    head.textContent = title;
    body.append(head);
  }
  body.append(text);
  if (reference) {
    const number = document.createElement("span");
    number.className = "hv-mono";
    number.textContent = word("reference", { reference });
    body.append(number);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn is-sm is-ghost is-icon";
  close.setAttribute("aria-label", word("close"));
  close.append(icon("x"));
  close.addEventListener("click", () => box.remove());
  box.append(icon(ICONS[tone] ?? "info-circle"), body);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn is-sm";
    button.textContent = action.word;
    button.addEventListener("click", () => {
      box.remove();
      action.run();
    });
    box.append(button);
  }
  box.append(close);

  // The same sentence twice in a row would only push others out.
  for (const old of place.children) if (old.textContent === box.textContent) old.remove();
  place.append(box);
  while (place.children.length > MOST) place.firstElementChild?.remove();
  // A modal dialog makes everything behind it dead: a notice that belongs to it must lie in it.
  raise();

  const stays = STAYS_MS[/** @type {keyof typeof STAYS_MS} */ (tone)];
  if (stays) {
    let timer = setTimeout(() => box.remove(), stays);
    const hold = () => clearTimeout(timer);
    const release = () => {
      clearTimeout(timer);
      timer = setTimeout(() => box.remove(), stays);
    };
    box.addEventListener("pointerenter", hold);
    box.addEventListener("pointerleave", release);
    box.addEventListener("focusin", hold);
    box.addEventListener("focusout", release);
  }
  return box;
}

/** Put the notices into the topmost open dialog, or back into the page. */
export function raise() {
  if (!corner) return;
  const open = [...document.querySelectorAll("dialog[open]")].filter((dialog) => dialog.matches(":modal"));
  const home = open.at(-1) ?? document.body;
  if (corner.parentElement !== home) home.append(corner);
}

document.addEventListener("hv:toast", (event) => {
  for (const notice of /** @type {CustomEvent} */ (event).detail.notices ?? []) toast(notice);
});

for (const notice of JSON.parse(document.getElementById("hv-notices")?.textContent ?? "[]")) toast(notice);
