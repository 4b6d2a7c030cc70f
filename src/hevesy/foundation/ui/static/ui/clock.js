/** The server's time, ticking in the top bar; warns when this PC's own clock is far off. */
import { each, word } from "./words.js";

const DRIFT_MS = 60_000;
const ASK_AGAIN_MS = 300_000;

/** Server time minus this PC's time, in milliseconds. */
let offset = 0;
let known = false;

/** The server's time in milliseconds, whatever this PC's clock says. */
export function serverNow() {
  return Date.now() + offset;
}

/**
 * Set the clock by a server time that was read just now.
 * @param {number} now milliseconds
 * @param {number} [journey] half the time the answer took
 */
export function setServerTime(now, journey = 0) {
  offset = now + journey - Date.now();
  known = true;
}

async function ask() {
  const url = document.body.dataset.timeUrl;
  if (!url) return;
  const asked = performance.now();
  try {
    const answer = await fetch(url, { cache: "no-store" });
    if (!answer.ok) return;
    const { now } = await answer.json();
    setServerTime(now, (performance.now() - asked) / 2);
  } catch {
    // The page says elsewhere that the server is lost; the clock goes on by the PC.
  }
}

/**
 * The site's time of day, whatever zone this PC is set to.
 * @param {number} at milliseconds
 * @param {string} zone like +0800
 * @param {boolean} short without seconds
 */
export function timeText(at, zone, short) {
  const minutes = (zone.startsWith("-") ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5)));
  const text = new Date(at + minutes * 60_000).toISOString();
  return text.slice(11, short ? 16 : 19);
}

each("[data-clock]", (clock) => {
  const face = clock.querySelector("b");
  const line = clock.querySelector("small");
  const day = line?.textContent ?? "";
  const zone = clock.dataset.zone ?? "+0800";
  const short = clock.hasAttribute("data-short");
  const opened = timeText(Number(clock.dataset.clock) * 1000, zone, false);
  const tick = () => {
    const text = timeText(serverNow(), zone, short);
    if (face && face.textContent !== text) face.textContent = text;
    const drift = known && Math.abs(offset) > DRIFT_MS;
    clock.classList.toggle("is-drift", drift);
    if (line) {
      const says = drift ? word("drift", { seconds: Math.round(-offset / 1000) }) : day;
      if (line.textContent !== says) line.textContent = says;
    }
    // A page left open over midnight would show yesterday's date beside today's time.
    if (known && timeText(serverNow(), zone, false) < opened && !document.querySelector("dialog[open]")) {
      if (document.body.dataset.surface === "wall") location.reload();
    }
  };
  tick();
  setInterval(tick, 500);
});

ask();
setInterval(ask, ASK_AGAIN_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});
