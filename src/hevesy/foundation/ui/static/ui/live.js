/**
 * Live pages: one connection for all listening elements of the page, kept only while the page can be seen (a browser
 * allows six per server, and staff keep many tabs open). An element with `data-live="queue exams"` gets the event
 * `hv:live`; after 15 s without a sign from the server the page says that it may be old.
 */
import { serverNow, setServerTime, timeText } from "./clock.js";
import { icon, word } from "./words.js";

const LOST_MS = 15_000;
const HIDDEN_MS = 20_000;
const GATHER_MS = 120;
const SEEN = 400;

/** @type {EventSource | null} */
let source = null;
let connected = "";
let lastId = "";
let lastSign = Date.now();
let lost = false;
let denied = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let hiding;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let gathering;
/** @type {Map<string, object>} */
let gathered = new Map();
/** Ids that came already: after a gap the server sends some again. */
/** @type {string[]} */
const seen = [];

/** @returns {HTMLElement[]} */
const listeners = () => [
  .../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-live], [sse-connect]")),
];

/** @param {HTMLElement} element */
function topicsOf(element) {
  const connect = element.getAttribute("sse-connect");
  const text =
    element.dataset.live ?? (connect ? (new URL(connect, location.href).searchParams.get("topics") ?? "") : "");
  return text.split(/[\s,]+/).filter(Boolean);
}

function wanted() {
  return [...new Set(["me", ...listeners().flatMap(topicsOf)])]
    .filter((topic) => topic !== "me" || document.getElementById("hv-shell"))
    .sort();
}

function connect() {
  const url = document.body.dataset.liveUrl;
  const topics = wanted();
  if (!url || !topics.length || document.hidden) return;
  const key = topics.join(",");
  if (source && connected === key && source.readyState !== EventSource.CLOSED) return;
  source?.close();
  connected = key;
  const since = lastId ? `last=${lastId}` : `since=${document.body.dataset.liveSince ?? ""}`;
  const opened = new EventSource(`${url}?topics=${encodeURIComponent(key)}&${since}`);
  source = opened;
  opened.addEventListener("pulse", (event) => {
    setServerTime(JSON.parse(event.data).now);
    sign();
  });
  opened.addEventListener("live", (event) => {
    sign();
    if (event.lastEventId) {
      if (seen.includes(event.lastEventId)) return;
      seen.push(event.lastEventId);
      if (seen.length > SEEN) seen.shift();
      if (!lastId || Number(event.lastEventId) > Number(lastId)) lastId = event.lastEventId;
    }
    const payload = JSON.parse(event.data);
    document.dispatchEvent(new CustomEvent("hv:event", { detail: payload }));
    gathered.set(payload.topic, payload);
    if (!gathering) gathering = setTimeout(deliver, GATHER_MS);
  });
  opened.addEventListener("reset", () => {
    sign();
    refreshAll();
  });
  opened.addEventListener("error", () => {
    // CLOSED means that the server refused: too many pages, or logged out. Ask again, but ever more slowly.
    if (opened.readyState === EventSource.CLOSED && source === opened) {
      denied += 1;
      source = null;
      setTimeout(connect, Math.min(60_000, 3000 * 2 ** Math.min(denied, 5)));
    }
  });
}

function sign() {
  lastSign = Date.now();
  denied = 0;
  if (lost) {
    lost = false;
    banner(false);
    refreshAll();
  }
}

function deliver() {
  gathering = undefined;
  const events = gathered;
  gathered = new Map();
  for (const element of listeners()) {
    const topics = topicsOf(element);
    for (const [topic, detail] of events) {
      if (!topics.some((mine) => topic === mine || topic.startsWith(`${mine}:`))) continue;
      element.dispatchEvent(new CustomEvent("hv:live", { detail }));
      for (const mine of topics) {
        const named = [element, ...element.querySelectorAll(`[hx-trigger*="sse:${mine}"]`)];
        if (topic === mine || topic.startsWith(`${mine}:`))
          for (const one of named) one.dispatchEvent(new CustomEvent(`sse:${mine}`, { detail }));
      }
      break;
    }
  }
  if ([...events.keys()].some((topic) => !topic.startsWith("user:"))) refreshCounts();
}

function refreshAll() {
  for (const element of listeners()) element.dispatchEvent(new CustomEvent("hv:live", { detail: { reset: true } }));
  refreshCounts();
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let counting;
/** The counts of the side bar and of the alarms; at most every few seconds, they are read by everybody. */
function refreshCounts() {
  const place = document.getElementById("hv-navs");
  if (!place || counting) return;
  counting = setTimeout(() => {
    counting = undefined;
    if (!document.hidden)
      /** @type {any} */ (globalThis).htmx?.ajax("GET", place.dataset.counts, {
        target: "#hv-navs",
        swap: "innerHTML",
      });
  }, 3000);
}

/** @param {boolean} on */
function banner(on) {
  document.body.classList.toggle("is-lost", on);
  const own = /** @type {HTMLElement | null} */ (document.querySelector("[data-live-banner]"));
  if (own) {
    own.hidden = !on;
    return;
  }
  document.getElementById("hv-lost")?.remove();
  if (!on) return;
  const note = document.createElement("div");
  note.id = "hv-lost";
  note.className = "hv-note s-amber hv-banner";
  note.setAttribute("role", "status");
  const text = document.createElement("div");
  const head = document.createElement("b");
  head.textContent = word("lost_title");
  const zone = document.getElementById("hv-clock")?.dataset.zone ?? "+0800";
  text.append(head, ` ${word("lost_text", { time: timeText(serverNow() - (Date.now() - lastSign), zone, true) })}`);
  note.append(icon("cloud-off"), text);
  document.body.append(note);
}

setInterval(() => {
  if (document.hidden || !wanted().length || !connected) return;
  if (!lost && Date.now() - lastSign > LOST_MS) {
    lost = true;
    banner(true);
  }
}, 1000);

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      source?.close();
      source = null;
    }, HIDDEN_MS);
    return;
  }
  lastSign = Date.now();
  const slept = !source;
  connect();
  if (slept && connected) refreshAll();
});
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    source = null;
    connect();
    refreshAll();
  }
});
document.addEventListener("htmx:load", () => connect());
connect();

// The account was used elsewhere, or a message came for this person.
document.addEventListener("hv:event", (event) => {
  const { topic, notice, leave } = /** @type {CustomEvent} */ (event).detail;
  if (!topic.startsWith("user:")) return;
  if (notice) document.dispatchEvent(new CustomEvent("hv:toast", { detail: { notices: [notice] } }));
  if (leave) location.assign(leave);
});
