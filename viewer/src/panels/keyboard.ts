import { run } from "../engine/commands";
import { commandOf } from "../tools/keys";
import type { Page } from "./page";
import type { PointerInput } from "./pointerInput";

/** Keys of the viewer, from wherever the focus is, except while text is typed. Returns the way to stop. */
export function listenToKeys(page: Page, pointer: PointerInput, keepLayout: () => void): () => void {
  const { engine } = page;
  const abort = new AbortController();
  const { signal } = abort;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.isComposing || isTyping(event.target)) return;
      if (event.code === "Space" && !isButton(event.target)) {
        pointer.spaceHeld = true;
        event.preventDefault();
        return;
      }
      const command = commandOf(event, document.body.dataset.letterKeys === "off");
      if (!command) return;
      if (isRange(event.target) && command.name === "step") return;
      event.preventDefault();
      if (event.repeat && command.name !== "step" && command.name !== "mix") return;
      if (run(engine, command)) return;
      if (command.name === "keyImage") page.keepKeyImage();
      else keepLayout();
    },
    { signal },
  );
  document.addEventListener(
    "keyup",
    (event) => {
      if (event.code === "Space") pointer.spaceHeld = false;
      if (event.code === "KeyF") engine.store.set({ blink: null });
    },
    { signal },
  );
  window.addEventListener(
    "blur",
    () => {
      pointer.spaceHeld = false;
      engine.store.set({ blink: null });
    },
    { signal },
  );
  return () => abort.abort();
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement)
    return true;
  return target instanceof HTMLInputElement && !["range", "checkbox", "radio", "button"].includes(target.type);
}

function isRange(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement && target.type === "range";
}

function isButton(target: EventTarget | null): boolean {
  return target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement;
}
