/** Numbers as a page shows them: minus sign, narrow gaps, which do not break, in thousands from 10 000 on. */
export function formatNumber(value: number, digits: number): string {
  const fixed = Math.abs(value).toFixed(digits);
  const [whole = "", fraction] = fixed.split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, "\u202F") : whole;
  const sign = value < 0 && Number(fixed) !== 0 ? "\u2212" : "";
  return sign + grouped + (fraction ? `.${fraction}` : "");
}

/** A value in its units: two digits for SUV (one from 10 on), none for HU and large numbers. */
export function formatValue(value: number, units: string): string {
  const size = Math.abs(value);
  if (units === "HU") return formatNumber(value, 0);
  if (units.startsWith("SUV")) return formatNumber(value, size < 10 ? 2 : 1);
  return formatNumber(value, size >= 100 ? 0 : size >= 1 ? 1 : 3);
}

/** A window limit: as few digits as say it. */
export function formatLimit(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 1 ? 1 : 2;
  return formatNumber(value, digits);
}
