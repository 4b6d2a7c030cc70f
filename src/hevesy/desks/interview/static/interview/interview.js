/**
 * The draft of an interview stays in this browser until it is recorded: a reload, an ended session or a lost network
 * costs nothing. It is removed when the server says that the interview is saved, and after twelve hours.
 */

const KEPT_MS = 12 * 3600_000;
const PREFIX = "hevesy-draft:";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-draft]"));
const place = document.getElementById("iv-saved");

/** @param {number} at */
const clock = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });

for (const element of document.querySelectorAll("[data-draft-done]")) localStorage.removeItem(PREFIX + /** @type {HTMLElement} */ (element).dataset.draftDone);
for (const key of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
  try {
    if (Date.now() - JSON.parse(localStorage.getItem(key) ?? "{}").at > KEPT_MS) localStorage.removeItem(key);
  } catch {
    localStorage.removeItem(key);
  }
}

if (form) keep(form);

/** @param {HTMLFormElement} form */
function keep(form) {
  const key = PREFIX + form.dataset.draft;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const values = () => [...new FormData(form).entries()].filter(([name, value]) => name !== "csrfmiddlewaretoken" && typeof value === "string");
  const opened = JSON.stringify(values());

  const save = () => {
    const now = values();
    if (JSON.stringify(now) === opened) return;
    localStorage.setItem(key, JSON.stringify({ at: Date.now(), values: now }));
    if (place) place.textContent = (place.dataset.word ?? "").replace("{time}", clock(Date.now()));
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(save, 400);
  });
  addEventListener("pagehide", save);

  // A page that came back with faults holds what was typed already.
  const kept = form.hasAttribute("data-faults") ? null : localStorage.getItem(key);
  if (kept) restore(form, JSON.parse(kept), key);
  document.querySelector(".iv-choice.is-bad, [aria-invalid=true]")?.scrollIntoView({ block: "center" });
}

/**
 * @param {HTMLFormElement} form
 * @param {{at: number, values: [string, string][]}} draft
 * @param {string} key
 */
function restore(form, draft, key) {
  for (const control of form.elements) {
    if (control instanceof HTMLInputElement && (control.type === "radio" || control.type === "checkbox")) {
      control.checked = draft.values.some(([name, value]) => name === control.name && value === control.value);
    } else if ((control instanceof HTMLInputElement && control.type !== "hidden") || control instanceof HTMLTextAreaElement || control instanceof HTMLSelectElement) {
      const found = draft.values.find(([name]) => name === control.name);
      if (found) control.value = found[1];
    }
  }
  if (!place) return;
  place.classList.add("iv-restored");
  place.textContent = (place.dataset.back ?? "").replace("{time}", clock(draft.at));
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "btn is-sm";
  drop.textContent = place.dataset.drop ?? "";
  drop.addEventListener("click", () => {
    localStorage.removeItem(key);
    form.reset();
    place.textContent = "";
  });
  place.append(drop);
}

// A ticked answer can be taken back: a second press on a radio button clears it.
document.addEventListener("pointerdown", (event) => {
  const option = /** @type {Element} */ (event.target).closest?.(".iv-option");
  const input = option?.querySelector("input[type=radio]");
  if (!(input instanceof HTMLInputElement) || !input.checked) return;
  option?.addEventListener("click", (click) => {
    click.preventDefault();
    setTimeout(() => {
      input.checked = false;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }, { once: true });
}, true);
