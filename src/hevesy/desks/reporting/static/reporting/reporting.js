// The report page: growing text areas, autosave with a local copy, the lock's heartbeat, marks, reasons.

const SAVE_EVERY_MS = 10_000;
const HOLD_EVERY_MS = 60_000;

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("report"));

if (form) {
  const areas = [...form.querySelectorAll("textarea")];
  const key = `hevesy-draft-${form.dataset.number}`;
  let changed = false;

  const grow = (area) => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  const text = () => Object.fromEntries(areas.map((area) => [area.name, area.value]));

  for (const area of areas) {
    grow(area);
    area.addEventListener("input", () => {
      grow(area);
      changed = true;
      // A copy on this machine, so that a lost connection or a displaced login loses nothing.
      sessionStorage.setItem(key, JSON.stringify(text()));
    });
  }
  window.addEventListener("resize", () => areas.forEach(grow));

  const kept = sessionStorage.getItem(key);
  if (kept && form.dataset.saveUrl) {
    const draft = JSON.parse(kept);
    if (areas.some((area) => draft[area.name] !== undefined && draft[area.name] !== area.value)) {
      for (const area of areas) {
        if (draft[area.name] !== undefined) area.value = draft[area.name];
        grow(area);
      }
      changed = true;
    }
  }

  if (form.dataset.saveUrl) {
    setInterval(() => {
      if (!changed) return;
      changed = false;
      document.getElementById("save")?.click();
    }, SAVE_EVERY_MS);
    document.body.addEventListener("htmx:afterRequest", (event) => {
      const detail = /** @type {CustomEvent} */ (event).detail;
      if (detail.successful && detail.elt?.id === "save") sessionStorage.removeItem(key);
    });
    setInterval(() => {
      const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
      fetch(form.dataset.holdUrl ?? "", { method: "POST", headers: { ...headers, "X-Hevesy-Passive": "1" } });
    }, HOLD_EVERY_MS);
    window.addEventListener("beforeunload", (event) => {
      if (changed) event.preventDefault();
    });
  }

  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    const request = /** @type {CustomEvent} */ (event).detail.xhr;
    if (request.getResponseHeader("HX-Redirect")) {
      changed = false;
      // Led away because it is done, not because the login ended: then the copy is all there is of what was typed.
      if (request.status < 400) sessionStorage.removeItem(key);
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
}

for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => {
    const view = button.getAttribute("data-view");
    for (const other of document.querySelectorAll("[data-view]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    for (const panel of document.querySelectorAll("[data-panel]")) {
      /** @type {HTMLElement} */ (panel).hidden = panel.getAttribute("data-panel") !== view;
    }
  });
}

for (const button of document.querySelectorAll("[data-reason]")) {
  button.addEventListener("click", () => {
    const move = button.getAttribute("data-reason");
    if (move === "correct") {
      const locked = [...document.querySelectorAll("textarea[data-correctable]")];
      if (locked.some((area) => area.hasAttribute("readonly"))) {
        for (const area of locked) area.removeAttribute("readonly");
        /** @type {HTMLElement} */ (locked[0])?.focus();
        return;
      }
    }
    const dialog = /** @type {HTMLDialogElement | null} */ (document.querySelector(`dialog[data-for="${move}"]`));
    dialog?.showModal();
  });
}
for (const button of document.querySelectorAll("dialog [data-close]")) {
  button.addEventListener("click", () => button.closest("dialog")?.close());
}

// Pictures come by themselves, but not under a caption that somebody is typing.
document.getElementById("pictures")?.addEventListener("htmx:beforeRequest", (event) => {
  const pane = /** @type {HTMLElement} */ (event.currentTarget);
  if (event.target === pane && pane.contains(document.activeElement)) event.preventDefault();
});
