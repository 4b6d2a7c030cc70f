/** The box in the top bar: searches while one types; ↑ ↓ choose, Enter opens, Esc closes. */

const box = document.getElementById("hv-scan");
const input = /** @type {HTMLInputElement | null} */ (document.getElementById("hv-find"));
const hits = document.getElementById("hv-hits");

if (box && input && hits) {
  let timer = 0;
  let asked = 0;
  let composing = false;

  const options = () => /** @type {HTMLElement[]} */ ([...hits.querySelectorAll("[role=option]")]);
  const close = () => {
    hits.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  /** @param {number} index */
  const choose = (index) => {
    const all = options();
    for (const [at, option] of all.entries()) {
      const on = at === index;
      option.setAttribute("aria-selected", String(on));
      if (on) {
        input.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    }
  };
  const search = async () => {
    const text = input.value.trim();
    if (!text || text.startsWith("NM1|")) return close();
    asked += 1;
    const mine = asked;
    const answer = await fetch(`${box.dataset.find}?q=${encodeURIComponent(text)}`, {
      headers: { "HX-Request": "true" },
    }).catch(() => null);
    if (mine !== asked || !answer?.ok || answer.redirected) return;
    hits.innerHTML = await answer.text();
    hits.hidden = false;
    input.setAttribute("aria-expanded", "true");
    choose(0);
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(search, 180);
  };

  input.addEventListener("compositionstart", () => {
    composing = true;
  });
  input.addEventListener("compositionend", () => {
    composing = false;
    soon();
  });
  input.addEventListener("input", () => !composing && soon());
  input.addEventListener("focus", () => input.value.trim() && soon());
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (hits.hidden) return void search();
      choose((at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % Math.max(all.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const code = input.value.trim();
      if (code.startsWith("NM1|")) {
        input.value = "";
        close();
        document.dispatchEvent(new CustomEvent("hv:code", { detail: { text: code, typed: true } }));
      } else if (!hits.hidden && all[at]) all[at].click();
      else search();
    } else if (event.key === "Escape") {
      if (hits.hidden) {
        input.value = "";
        input.blur();
      } else close();
    }
  });
  document.addEventListener("pointerdown", (event) => {
    if (!box.contains(/** @type {Node} */ (event.target))) close();
  });
  box.addEventListener("focusout", (event) => {
    if (!box.contains(/** @type {Node | null} */ (event.relatedTarget)))
      setTimeout(() => box.contains(document.activeElement) || close(), 150);
  });
}
