/** Fields: “now” fills a time, a password can be shown, caps lock is told, unsaved work is not lost by a slip. */
import { serverNow, timeText } from "./clock.js";
import { each, word } from "./words.js";

const zone = () => document.getElementById("hv-clock")?.dataset.zone ?? "+0800";

/** @param {HTMLInputElement} input */
function fillNow(input) {
  const now = serverNow();
  const time = timeText(now, zone(), input.dataset.now === "minute");
  if (input.type === "datetime-local") {
    const shift = zone();
    const minutes = (shift.startsWith("-") ? -1 : 1) * (Number(shift.slice(1, 3)) * 60 + Number(shift.slice(3, 5)));
    input.value = new Date(now + minutes * 60_000).toISOString().slice(0, 19);
  } else input.value = time;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const fill = target.closest?.("[data-fill-now]");
  if (fill) {
    const input = document.getElementById(fill.getAttribute("data-fill-now") ?? "");
    if (input instanceof HTMLInputElement) {
      fillNow(input);
      input.focus();
    }
  }
  const show = /** @type {HTMLElement | null} */ (target.closest?.("[data-show-password]"));
  if (show) {
    const input = document.getElementById(show.dataset.showPassword ?? "");
    if (input instanceof HTMLInputElement) {
      const hidden = input.type === "password";
      input.type = hidden ? "text" : "password";
      show.textContent = word(hidden ? "hide" : "show");
      show.setAttribute("aria-pressed", String(hidden));
    }
  }
  const copy = /** @type {HTMLElement | null} */ (target.closest?.("[data-copy]"));
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy ?? "");
});

document.addEventListener("keydown", (event) => {
  if (event.key === "F7") {
    const active = document.activeElement;
    const open = document.querySelector("dialog[open]") ?? document;
    const input =
      active instanceof HTMLInputElement && active.dataset.now ? active : open.querySelector("input[data-now]");
    if (input instanceof HTMLInputElement) {
      event.preventDefault();
      fillNow(input);
    }
  }
});

each("input[type=password]", (input) => {
  const place = document.querySelector(`[data-caps-for="${input.id}"]`);
  if (!place) return;
  const look = (/** @type {Event} */ event) => {
    const on = event instanceof KeyboardEvent && event.getModifierState("CapsLock");
    place.textContent = on ? word("caps") : "";
  };
  input.addEventListener("keydown", look);
  input.addEventListener("keyup", look);
});

// Chinese input methods leave full-width digits and dots in number fields.
each("input[data-number]", (element) => {
  const input = /** @type {HTMLInputElement} */ (element);
  input.addEventListener("change", () => {
    const plain = input.value
      .replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0))
      .replace(/[。．]/g, ".")
      .replace(/[\s\u2009]/g, "");
    if (plain !== input.value) input.value = plain;
  });
});

/** Forms marked `data-guard` ask before the page is left with unsent changes. */
/** @type {Set<HTMLFormElement>} */
const dirty = new Set();
document.addEventListener("input", (event) => {
  const form = /** @type {Element} */ (event.target).closest?.("form[data-guard]");
  if (form instanceof HTMLFormElement) dirty.add(form);
});
document.addEventListener("submit", (event) => dirty.delete(/** @type {HTMLFormElement} */ (event.target)));
document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful } = /** @type {CustomEvent} */ (event).detail;
  if (successful && elt instanceof HTMLFormElement) dirty.delete(elt);
});
addEventListener("beforeunload", (event) => {
  if ([...dirty].some((form) => form.isConnected)) event.preventDefault();
});
