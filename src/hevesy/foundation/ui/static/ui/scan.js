/**
 * The bar code scanner, which types like a keyboard. Its keys are caught whatever has the focus, told from a person's
 * by their speed and their beginning `NM1|`, read from `event.code` so that a Chinese input method cannot swallow
 * them, and taken out again of a field that they reached.
 */
import { toast } from "./toast.js";
import { say, word } from "./words.js";

export const PREFIX = "NM1|";
/** Nobody types four keys, one of them with shift, as close to each other as this. */
export const GAP_MS = 45;
/** The same code within this time counts once. */
export const TWICE_MS = 5000;
/** After the prefix there is no doubt any more: room for a scanner that pauses, on a slow PC. */
const SLOW_GAP_MS = 150;

/** US keyboard: code to character without and with shift. Scanners send US key codes unless told otherwise. */
/** @type {Record<string, [string, string]>} */
const MARKS = {
  Backslash: ["\\", "|"],
  IntlBackslash: ["\\", "|"],
  Minus: ["-", "_"],
  Equal: ["=", "+"],
  Slash: ["/", "?"],
  Period: [".", ">"],
  Comma: [",", "<"],
  Semicolon: [";", ":"],
  Quote: ["'", '"'],
  Space: [" ", " "],
  NumpadDecimal: [".", "."],
  NumpadSubtract: ["-", "-"],
  NumpadDivide: ["/", "/"],
};
const SHIFTED_DIGITS = ")!@#$%^&*(";

/**
 * The character that a scanner meant by a key. Letters are capitals: codes have no others, and caps lock would turn
 * them round. Marks are taken as typed, or from the key's place when an input method hides them.
 * @param {{code: string, key: string, shiftKey: boolean}} event
 * @returns {string} empty for keys that type nothing
 */
export function characterOf({ code, key, shiftKey }) {
  if (/^Key[A-Z]$/.test(code)) return code[3];
  if (/^Numpad\d$/.test(code)) return code[6];
  const typed = key.length === 1 && key > " " && key <= "~" ? key.toUpperCase() : "";
  if (/^Digit\d$/.test(code)) return typed || (shiftKey ? SHIFTED_DIGITS[Number(code[5])] : code[5]);
  return typed || (MARKS[code]?.[shiftKey ? 1 : 0] ?? "");
}

/** Gathers keys into codes. Knows nothing of the page, so that it can be tested with bare events. */
export class Reader {
  constructor() {
    this.text = "";
    this.last = 0;
    /** @type {string} */
    this.seen = "";
    this.seenAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Take one key.
   * @param {{code: string, key: string, shiftKey: boolean, timeStamp: number}} event
   * @returns {{kind: "none" | "maybe" | "reading" | "code" | "twice" | "short", text?: string}}
   *   `reading` from the fourth key of a code on: the key belongs to the scanner and must reach no field
   */
  take(event) {
    const pause = event.timeStamp - this.last;
    const patience = this.text.startsWith(PREFIX) ? SLOW_GAP_MS : GAP_MS;
    if (this.text && pause > patience) this.text = "";
    if (event.key === "Shift" || event.code.startsWith("Shift"))
      return { kind: this.text.startsWith(PREFIX) ? "reading" : "none" };
    this.last = event.timeStamp;
    if (event.key === "Enter" || event.code === "Enter" || event.code === "NumpadEnter") {
      const text = this.text;
      this.text = "";
      if (!text.startsWith(PREFIX)) return { kind: "none" };
      if (text.split("|").length < 4) return { kind: "short", text };
      if (text === this.seen && event.timeStamp - this.seenAt < TWICE_MS) return { kind: "twice", text };
      this.seen = text;
      this.seenAt = event.timeStamp;
      return { kind: "code", text };
    }
    const character = characterOf(event);
    if (!character) {
      this.text = "";
      return { kind: "none" };
    }
    const text = this.text + character;
    // A scan begins with N; what does not lead to the prefix is a person typing.
    if (PREFIX.startsWith(text.slice(0, PREFIX.length)) || text.startsWith(PREFIX)) this.text = text;
    else this.text = character === PREFIX[0] ? character : "";
    if (this.text.length > PREFIX.length || this.text === PREFIX) return { kind: "reading" };
    return { kind: this.text ? "maybe" : "none" };
  }
}

const page = globalThis.document;
if (page) listen();

function listen() {
  const reader = new Reader();
  const ready = document.getElementById("hv-ready");
  const label = ready?.querySelector("span");
  /** What a field held before the first keys of a code reached it. */
  /** @type {{field: HTMLInputElement | HTMLTextAreaElement, value: string, start: number | null, end: number | null} | null} */
  let before = null;

  /** @param {"ready" | "away" | "busy" | "refused"} state @param {string} text */
  const show = (state, text) => {
    if (!ready || !label) return;
    ready.className = `hv-ready ${state === "ready" ? "" : `is-${state}`}`;
    label.textContent = text;
  };
  const presence = () => (document.hasFocus() ? show("ready", word("scan_ready")) : show("away", word("scan_away")));
  addEventListener("focus", presence);
  addEventListener("blur", presence);
  presence();

  const undo = () => {
    if (before?.field.isConnected && before.field.value !== before.value) {
      before.field.value = before.value;
      before.field.setSelectionRange?.(before.start, before.end);
      before.field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    before = null;
  };

  document.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const started = reader.text === "";
      const took = reader.take({
        code: event.code,
        key: event.key,
        shiftKey: event.shiftKey,
        timeStamp: event.timeStamp,
      });
      if (took.kind === "maybe" && (started || reader.text.length === 1)) {
        const field = document.activeElement;
        before =
          field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement
            ? { field, value: field.value, start: selection(field)[0], end: selection(field)[1] }
            : null;
        return;
      }
      if (took.kind === "none" || took.kind === "maybe") return;
      event.preventDefault();
      event.stopImmediatePropagation();
      undo();
      if (took.kind === "reading") return;
      if (took.kind === "twice") toast({ text: word("scan_twice"), tone: "info" });
      else if (took.kind === "short") toast({ text: word("scan_short"), tone: "amber" });
      else document.dispatchEvent(new CustomEvent("hv:code", { detail: { text: took.text, typed: false } }));
    },
    true,
  );

  document.addEventListener("hv:code", async (event) => {
    const { text, typed } = /** @type {CustomEvent} */ (event).detail;
    // A page with its own use for codes (verify, pair) listens first and says so.
    const own = new CustomEvent("hv:scan", { detail: { text, typed }, cancelable: true, bubbles: true });
    const holder =
      document.querySelector("dialog[open] [data-scan-target]") ??
      document.querySelector("[data-scan-target]") ??
      document;
    if (!holder.dispatchEvent(own)) return;
    const target = holder instanceof HTMLElement ? holder : document.body;
    const url = target.dataset.scanUrl ?? document.body.dataset.scanUrl;
    if (!url) return;
    show("busy", word("scan_reading"));
    await send(url, text, typed, target);
    presence();
  });

  /**
   * @param {string} url
   * @param {string} text
   * @param {boolean} typed
   * @param {HTMLElement} source
   */
  async function send(url, text, typed, source) {
    const htmx = /** @type {any} */ (globalThis).htmx;
    const headers = typed ? {} : { "X-Hevesy-Scan": "1" };
    if (source !== document.body && source.dataset.scanUrl) {
      // The page asked for codes: the answer is a fragment for its own target.
      await htmx.ajax("POST", url, {
        source,
        target: source.dataset.scanInto ?? source,
        swap: source.dataset.scanSwap ?? "innerHTML",
        values: { text },
        headers,
      });
      return;
    }
    try {
      const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
      const answer = await fetch(url, {
        method: "POST",
        body: new URLSearchParams({ text }),
        headers: { ...token, ...headers, Accept: "application/json" },
      });
      const body = await answer.json().catch(() => ({}));
      if (!answer.ok) {
        show("refused", word("refused_title"));
        toast({
          title: word("refused_title"),
          text: body.error ?? word("server_text"),
          tone: "amber",
          reference: answer.headers.get("X-Reference") ?? "",
        });
        return;
      }
      say(body.label ?? "");
      if (body.url) location.assign(body.url);
    } catch {
      toast({ title: word("network_title"), text: word("network_text"), tone: "red" });
    }
  }
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} field
 * @returns {[number | null, number | null]} number and date fields have no selection
 */
function selection(field) {
  try {
    return [field.selectionStart, field.selectionEnd];
  } catch {
    return [null, null];
  }
}
