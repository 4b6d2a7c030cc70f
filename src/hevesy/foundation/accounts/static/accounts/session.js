/**
 * The page's side of the idle time-out. What a page asks by itself (polling, live lists) is marked and does not keep the
 * session alive; what a person does, even without a request (reading images, typing), does. Before the end it warns;
 * at the end it leaves, so that nothing stays readable.
 */
import { toast } from "../ui/toast.js";

const PASSIVE = "X-Hevesy-Passive";
const ASK_EVERY_MS = 60_000;
const STAY_AT_MOST_EVERY_MS = 4 * 60_000;
const WARN_S = 90;
const DOINGS = ["pointerdown", "keydown", "wheel", "touchstart"];

document.addEventListener("htmx:configRequest", (event) => {
  const { triggeringEvent, headers } = /** @type {CustomEvent} */ (event).detail;
  if (!triggeringEvent?.isTrusted) headers[PASSIVE] = "1";
});

const watch = document.getElementById("hv-session");
if (watch) start(watch);

/** @param {HTMLElement} place */
function start(place) {
  const { state, stay, ended, soon, here } = /** @type {Record<string, string>} */ (place.dataset);
  let used = false;
  let stayed = Date.now();
  let warned = false;

  for (const doing of DOINGS) {
    document.addEventListener(doing, (event) => {
      used ||= event.isTrusted;
    }, { capture: true, passive: true });
  }

  function leave() {
    // Not by htmx and not by history: the old page must not come back from the cache.
    location.replace(ended);
  }

  async function keep() {
    used = false;
    stayed = Date.now();
    const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
    const answer = await fetch(stay, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" } });
    if (answer.status === 401) leave();
    warned = false;
  }

  async function ask() {
    try {
      if (used && Date.now() - stayed > STAY_AT_MOST_EVERY_MS) await keep();
      const answer = await fetch(state, { headers: { [PASSIVE]: "1", Accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) return leave();
      if (!answer.ok) return;
      const left = (await answer.json()).seconds_left;
      if (left <= WARN_S && used) await keep();
      else if (left <= WARN_S && !warned) {
        warned = true;
        toast({ text: soon, tone: "red", action: { word: here, run: keep } });
      }
      if (left <= WARN_S) setTimeout(ask, Math.max(1, left) * 1000 + 500);
    } catch {
      // The network is away: the live banner says so, and the server ends the session by itself.
    }
  }

  setInterval(ask, ASK_EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  addEventListener("pageshow", (event) => {
    // Back from the browser's page cache: perhaps logged out meanwhile.
    if (event.persisted) ask();
  });
}
