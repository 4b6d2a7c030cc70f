/**
 * The voice of a wall screen. Calls arrive as hidden elements of the live region; each is said once, one after the
 * other, also after a reload within half a minute. What the screen can do is told to the server, so that the desk
 * that calls can see whether anybody hears it.
 */

const wall = /** @type {HTMLElement} */ (document.getElementById("cl-wall"));
const button = /** @type {HTMLButtonElement} */ (document.getElementById("cl-sound"));
const video = /** @type {HTMLVideoElement | null} */ (document.getElementById("cl-video"));
const SAID = `hevesy-said-${location.pathname}`;
const REPORT_MS = 30_000;
const synth = globalThis.speechSynthesis;

/** Number of the last call that was said. */
let said = Number(sessionStorage.getItem(SAID) ?? 0);
/** @type {{id: number, text: string}[]} */
const waiting = [];
let speaking = false;
/** @type {"unknown" | "on" | "blocked" | "missing"} */
let sound = "unknown";

/** @returns {SpeechSynthesisVoice | undefined} */
function voice() {
  const chinese = (synth?.getVoices() ?? []).filter((one) => /^(zh|cmn)/i.test(one.lang) && !/HK|TW|yue/i.test(one.lang));
  return chinese.find((one) => one.localService) ?? chinese[0];
}

/** @param {typeof sound} state */
function setSound(state) {
  if (state === sound) return;
  sound = state;
  button.hidden = state === "unknown" || state === "on";
  button.className = `cl-sound is-${state}`;
  button.textContent = button.dataset[state] ?? "";
  report();
}

function report() {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const url = wall.dataset.report;
  if (url) fetch(url, { method: "POST", headers, body: new URLSearchParams({ sound }) }).catch(() => {});
}

/** A soft chime before the words, so that people look up. */
async function chime() {
  try {
    const audio = new AudioContext();
    if (audio.state === "suspended") return;
    for (const [pitch, at] of [[784, 0], [587, 0.28]]) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const start = audio.currentTime + at;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(0.25, start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.6);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.65);
    }
    await new Promise((done) => setTimeout(done, 950));
    await audio.close();
  } catch {
    // No chime on this PC; the words follow anyway.
  }
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether the words were really started
 */
function utter(text) {
  return new Promise((done) => {
    const words = new SpeechSynthesisUtterance(text);
    const chosen = voice();
    if (chosen) words.voice = chosen;
    words.lang = chosen?.lang ?? "zh-CN";
    words.rate = 0.9;
    let started = false;
    const late = setTimeout(() => finish(started), 20_000);
    // A blocked voice never starts and never says so.
    const never = setTimeout(() => started || finish(false), 4000);
    /** @param {boolean} heard */
    const finish = (heard) => {
      clearTimeout(late);
      clearTimeout(never);
      done(heard);
    };
    words.onstart = () => {
      started = true;
      clearTimeout(never);
    };
    words.onend = () => finish(true);
    words.onerror = (event) => finish(event.error === "interrupted");
    synth.speak(words);
  });
}

async function speak() {
  if (speaking) return;
  speaking = true;
  const loud = video && !video.muted;
  try {
    while (waiting.length) {
      const { text } = /** @type {{id: number, text: string}} */ (waiting.shift());
      if (!synth || !voice()) {
        setSound("missing");
        continue;
      }
      if (video) video.muted = true;
      await chime();
      for (let time = 0; time < Number(wall.dataset.repeat ?? 2); time += 1) {
        const heard = await utter(text);
        setSound(heard ? "on" : "blocked");
        if (!heard) {
          synth.cancel();
          break;
        }
      }
    }
  } finally {
    speaking = false;
    if (video && loud) video.muted = false;
  }
}

function gather() {
  for (const element of wall.querySelectorAll("[data-call]")) {
    const { call, spoken } = /** @type {HTMLElement} */ (element).dataset;
    const id = Number(call);
    if (id <= said) continue;
    said = id;
    sessionStorage.setItem(SAID, String(id));
    waiting.push({ id, text: spoken ?? "" });
  }
  speak();
}

function look() {
  if (!synth) return setSound("missing");
  if (voice()) {
    // Chromium speaks only after the page was touched, unless the kiosk allows it.
    if (navigator.userActivation?.hasBeenActive === false && sound === "unknown") setSound("blocked");
    else if (sound !== "blocked") setSound("on");
  } else if (synth.getVoices().length) setSound("missing");
}

button.addEventListener("click", async () => {
  if (synth && voice()) setSound((await utter("语音已开启")) ? "on" : "blocked");
});
document.addEventListener("htmx:afterSettle", gather);
synth?.addEventListener?.("voiceschanged", look);
setTimeout(look, 1500);
setTimeout(() => sound === "unknown" && setSound("missing"), 5000);
setInterval(report, REPORT_MS);
report();
gather();

const ticker = document.querySelector(".cl-ticker");
if (ticker && ticker.scrollWidth > innerWidth * 0.85) ticker.classList.add("is-moving");
