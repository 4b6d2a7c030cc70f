/** Activity falls by itself from its reference; without one it shows nothing rather than an old number. */
import { serverNow } from "./clock.js";
import { each } from "./words.js";

/**
 * Activity after decay: A = A0 · 2^(−t/T½).
 * @param {number} reference activity at the reference time, any unit
 * @param {number} elapsed seconds since the reference time; negative before it
 * @param {number} halfLife seconds
 */
export function decayed(reference, elapsed, halfLife) {
  return reference * 2 ** (-elapsed / halfLife);
}

/**
 * A number with thin gaps between thousands: whole from 100 on, one decimal from 1, two below.
 * @param {number} value
 */
export function activityText(value) {
  const digits = value >= 99.95 ? 0 : value >= 1 ? 1 : 2;
  return value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
}

each("[data-activity]", (element) => {
  const reference = Number(element.dataset.activity);
  const halfLife = Number(element.dataset.halfLife);
  const at = Date.parse(element.dataset.at ?? "");
  const need = Number(element.dataset.need);
  const until = Date.parse(element.dataset.until ?? "");
  const number = element.querySelector("b");
  if (!number || !(halfLife > 0) || !Number.isFinite(at) || !Number.isFinite(reference)) return;
  const fall = () => {
    if (!element.isConnected) return clearInterval(timer);
    const now = serverNow();
    const value = decayed(reference, (now - at) / 1000, halfLife);
    const text = activityText(value);
    if (number.textContent !== text) number.textContent = text;
    element.classList.toggle("is-low", need > 0 && value < need);
    element.classList.toggle("is-stale", Number.isFinite(until) && now > until);
  };
  // Fluorine-18 loses 0.6 % a minute: every two seconds is smooth enough.
  const timer = setInterval(fall, 2000);
  fall();
});
