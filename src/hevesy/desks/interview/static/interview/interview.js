// Answers are kept in this browser while they are typed, so that a closed page or a displaced login loses nothing.

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("interview"));

if (form) {
  const key = `hevesy-interview-${form.dataset.draft}`;
  const status = document.getElementById("iv-draft");
  const controls = () =>
    [...form.elements].filter((control) => /** @type {HTMLInputElement} */ (control).name && control.name !== "csrfmiddlewaretoken");

  const kept = sessionStorage.getItem(key);
  if (kept && !("returned" in form.dataset)) {
    const draft = JSON.parse(kept);
    for (const control of controls()) {
      const values = draft[control.name];
      if (!values) continue;
      if (control.type === "radio" || control.type === "checkbox") control.checked = values.includes(control.value);
      else control.value = values[0];
    }
  }

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      const draft = {};
      for (const [name, value] of new FormData(form)) {
        if (name !== "csrfmiddlewaretoken") draft[name] = [...(draft[name] ?? []), value];
      }
      sessionStorage.setItem(key, JSON.stringify(draft));
      if (status) status.textContent = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    }, 400);
  });
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
  form.querySelector("[aria-invalid=true], .is-bad input")?.focus();
}
