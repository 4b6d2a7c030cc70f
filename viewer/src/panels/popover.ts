import { h } from "./dom";

/** Opens a small panel under a button; closed by Escape, by a press elsewhere, or by the button again. */
export function popover(button: HTMLElement, content: (close: () => void) => HTMLElement): void {
  let open: HTMLElement | null = null;
  const close = () => {
    open?.remove();
    open = null;
    button.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside, true);
    document.removeEventListener("keydown", onEscape, true);
  };
  const outside = (event: Event) => {
    const at = event.target as Node;
    if (!open?.contains(at) && !button.contains(at)) close();
  };
  const onEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
    button.focus();
  };
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (open) {
      close();
      return;
    }
    open = h("div", { class: "hv-pop hvv-pop", role: "dialog" }, content(close));
    const host = button.closest("hv-viewer") ?? document.body;
    host.append(open);
    place(open, button, host);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    document.addEventListener("keydown", onEscape, true);
  });
}

function place(panel: HTMLElement, button: HTMLElement, host: Element): void {
  const frame = host.getBoundingClientRect();
  const box = button.getBoundingClientRect();
  const left = Math.min(box.left - frame.left, frame.width - panel.offsetWidth - 8);
  panel.style.left = `${Math.max(8, left)}px`;
  panel.style.top = `${box.bottom - frame.top + 6}px`;
}
