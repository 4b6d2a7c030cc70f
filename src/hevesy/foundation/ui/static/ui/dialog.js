/** Dialogs: open when swapped in, trap focus (the browser's own modal does), give it back when they close. */
import { raise } from "./toast.js";
import { each } from "./words.js";

/** @type {WeakMap<HTMLDialogElement, Element | null>} */
const openers = new WeakMap();
/** @type {Element | null} */
let lastPressed = null;

document.addEventListener(
  "pointerdown",
  (event) => {
    lastPressed = /** @type {Element} */ (event.target).closest("button, a, [tabindex]");
  },
  true,
);

/** @param {HTMLDialogElement} dialog */
export function open(dialog) {
  if (dialog.open) return;
  const active = document.activeElement;
  openers.set(dialog, active && active !== document.body ? active : lastPressed);
  dialog.showModal();
  const first =
    dialog.querySelector("[autofocus], [data-first]") ??
    dialog.querySelector(".hv-dialog-body :is(input, select, textarea):not([readonly], [type=hidden], :disabled)") ??
    dialog.querySelector("footer .btn.is-primary, .btn.is-primary");
  if (first instanceof HTMLElement) first.focus();
  raise();
  if (dialog.hasAttribute("data-sound")) alarm();
}

/** Dialogs that somebody left through one of their own buttons. */
/** @type {WeakSet<HTMLDialogElement>} */
const left = new WeakSet();

each("dialog[data-dialog]", (element) => {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  dialog.addEventListener("close", () => {
    if (dialog.hasAttribute("data-hard") && !left.has(dialog)) {
      // A hard stop has no way past it; a browser lets its own gesture close any dialog in the end.
      dialog.showModal();
      return;
    }
    left.delete(dialog);
    const opener = openers.get(dialog);
    if (dialog.closest("#hv-dialogs")) dialog.remove();
    raise();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    dialog.dispatchEvent(new CustomEvent("hv:closed", { bubbles: true }));
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && dialog.hasAttribute("data-hard")) event.preventDefault();
  });
  if (dialog.closest("#hv-dialogs") || dialog.hasAttribute("data-open")) open(dialog);
});

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  const close = target.closest?.("[data-close]");
  const closing = close?.closest("dialog");
  if (closing instanceof HTMLDialogElement) leave(closing);
  const opener = target.closest?.("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.getAttribute("data-opens") ?? "");
    if (dialog instanceof HTMLDialogElement) open(dialog);
  }
});

// A dialog may finish without new content: the server answers 204 with HX-Trigger: hv:close.
document.addEventListener("hv:close", () => {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  if (dialog instanceof HTMLDialogElement) leave(dialog);
});

/** @param {HTMLDialogElement} dialog */
function leave(dialog) {
  left.add(dialog);
  dialog.close();
}

/** Two low tones, three times: heard in a hot lab, not confused with a call. */
export function alarm() {
  try {
    const audio = new AudioContext();
    for (let beep = 0; beep < 3; beep += 1) {
      for (const [pitch, at] of [
        [440, 0],
        [330, 0.16],
      ]) {
        const tone = audio.createOscillator();
        const volume = audio.createGain();
        const start = audio.currentTime + beep * 0.42 + at;
        tone.frequency.value = pitch;
        tone.type = "square";
        volume.gain.setValueAtTime(0.12, start);
        volume.gain.exponentialRampToValueAtTime(0.001, start + 0.15);
        tone.connect(volume).connect(audio.destination);
        tone.start(start);
        tone.stop(start + 0.16);
      }
    }
    setTimeout(() => audio.close(), 2000);
  } catch {
    // No sound on this PC: the red screen remains.
  }
}
