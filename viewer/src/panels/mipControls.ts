import { SPIN_FPS } from "../engine/mipSpinner";
import { h, icon, replaceChildren, setText } from "./dom";
import type { Page } from "./page";

/** Play, direction and rate of the turning MIP. */
export function mipControls({ engine, t }: Page): { readonly element: HTMLElement; update(): void } {
  const { store } = engine;
  const stop = (event: Event) => event.stopPropagation();
  const play = h("button", { type: "button", class: "hvv-t", onclick: () => toggle(1) });
  const back = h(
    "button",
    { type: "button", class: "hvv-t", title: t("backward"), "aria-label": t("backward"), onclick: () => toggle(-1) },
    icon("player-track-prev"),
  );
  const text = h("span", { class: "hv-num" });
  const toggle = (direction: 1 | -1) => store.set({ mipSpin: store.state.mipSpin === direction ? 0 : direction });
  let spinning: boolean | null = null;
  const draw = () => {
    const now = store.state.mipSpin !== 0;
    if (now !== spinning) {
      spinning = now;
      const word = now ? t("stop") : t("play");
      replaceChildren(play, icon(now ? "player-pause" : "player-play"));
      play.setAttribute("aria-label", word);
      play.title = `${word} M`;
    }
    const frames = engine.pair.overlay?.mip?.header.frames;
    setText(text, frames ? `${frames} ${t("frames")} · ${SPIN_FPS} ${t("perSecond")}` : "");
  };
  const element = h(
    "div",
    { class: "hvv-cine", onpointerdown: stop, ondblclick: stop, onwheel: stop },
    back,
    play,
    text,
  );
  return { element, update: draw };
}
