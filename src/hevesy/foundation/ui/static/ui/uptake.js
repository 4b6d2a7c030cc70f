/** The uptake window moves by itself: minutes since injection against min, target and max. */
import { serverNow } from "./clock.js";
import { each, say, word } from "./words.js";

/**
 * What to say after `elapsed` minutes.
 * @param {number} elapsed
 * @param {{min: number, target: number, max: number}} window
 * @returns {{state: "wait" | "in" | "late", minutes: number}}
 */
export function uptake(elapsed, { min, target, max }) {
  if (elapsed > max) return { state: "late", minutes: Math.floor(elapsed - max) };
  if (elapsed >= min) return { state: "in", minutes: Math.ceil(max - elapsed) };
  return { state: "wait", minutes: Math.ceil(target - elapsed) };
}

each("[data-uptake]", (row) => {
  const window = { min: Number(row.dataset.min), target: Number(row.dataset.target), max: Number(row.dataset.max) };
  const end = Number(row.dataset.end) || Math.ceil((window.max * 4) / 3);
  const start = Date.parse(row.dataset.uptake ?? "");
  const label = row.querySelector("[data-part=label]");
  const number = row.querySelector("[data-part=number]");
  const mark = row.querySelector(".mark");
  let was = "";
  const move = () => {
    if (!row.isConnected) return clearInterval(timer);
    const elapsed = (serverNow() - start) / 60_000;
    const { state, minutes } = uptake(elapsed, window);
    mark?.setAttribute("x", `${Math.min(Math.max(elapsed / end, 0), 1) * 100}%`);
    row.classList.toggle("is-in", state === "in");
    row.classList.toggle("is-late", state === "late");
    const words = { wait: row.dataset.wait, in: row.dataset.in, late: row.dataset.late };
    if (label)
      label.textContent = words[state] || word({ wait: "to_target", in: "in_window", late: "past_window" }[state]);
    if (number)
      number.textContent = state === "late" ? word("past", { number: minutes }) : word("minutes", { number: minutes });
    // A countdown is not read aloud; only its turning points are.
    if (was && was !== state && row.dataset.name) say(`${row.dataset.name} ${label?.textContent ?? ""}`);
    was = state;
    row.closest("tr")?.classList.toggle("is-red", state === "late");
  };
  const timer = setInterval(move, 5000);
  if (Number.isFinite(start)) move();
});
