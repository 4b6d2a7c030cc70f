/** The part of a keyboard event that keys are told by. */
export interface KeyPress {
  readonly code: string;
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

export type Command =
  | { readonly name: "petUpper" | "ctWindow"; readonly index: number }
  | { readonly name: "step"; readonly slices: number }
  | { readonly name: "mix"; readonly change: number }
  | { readonly name: "tool"; readonly tool: "crosshair" | "ellipse" | "length" }
  | {
      readonly name:
        | "blink"
        | "invert"
        | "spin"
        | "keyImage"
        | "keyLayout"
        | "reset"
        | "escape"
        | "delete"
        | "undo"
        | "redo"
        | "cross"
        | "half";
    };

const PLAIN: Readonly<Record<string, Command>> = {
  ArrowUp: { name: "step", slices: -1 },
  ArrowLeft: { name: "step", slices: -1 },
  ArrowDown: { name: "step", slices: 1 },
  ArrowRight: { name: "step", slices: 1 },
  PageUp: { name: "step", slices: -10 },
  PageDown: { name: "step", slices: 10 },
  KeyF: { name: "blink" },
  KeyI: { name: "invert" },
  KeyM: { name: "spin" },
  KeyK: { name: "keyImage" },
  KeyR: { name: "reset" },
  KeyE: { name: "tool", tool: "ellipse" },
  KeyL: { name: "tool", tool: "length" },
  KeyC: { name: "tool", tool: "crosshair" },
  KeyX: { name: "cross" },
  BracketLeft: { name: "mix", change: -0.1 },
  BracketRight: { name: "mix", change: 0.1 },
  Backslash: { name: "half" },
  Escape: { name: "escape" },
  Delete: { name: "delete" },
  Backspace: { name: "delete" },
};

/**
 * What a key means. By `code`, the key's place: a Chinese input method changes `key` but not `code`.
 * A user may have switched single characters off; arrows, Escape and Delete stay. Null for keys that are not the viewer's, so that the browser keeps its own.
 */
export function commandOf(press: KeyPress, lettersOff = false): Command | null {
  if (press.ctrlKey || press.metaKey) {
    if (press.altKey) return null;
    if (press.code === "KeyZ") return { name: press.shiftKey ? "redo" : "undo" };
    if (press.code === "KeyY") return { name: "redo" };
    return null;
  }
  if (press.altKey || (lettersOff && /^(Key|Digit|Numpad|Bracket|Backslash)/.test(press.code))) return null;
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(press.code);
  if (digit) return { name: press.shiftKey ? "ctWindow" : "petUpper", index: Number(digit[1]) - 1 };
  if (press.shiftKey) return press.code === "KeyK" ? { name: "keyLayout" } : null;
  return PLAIN[press.code] ?? null;
}
