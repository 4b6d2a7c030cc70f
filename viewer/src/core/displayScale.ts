import type { VolumeHeader } from "./volumeHeader";

/** From stored int16 to the number a reader sees: shown = (stored * slope + intercept) * factor. */
export interface DisplayScale {
  readonly slope: number;
  readonly intercept: number;
  /** SUVbw per unit for PET with a valid SUV, otherwise 1. */
  readonly factor: number;
  /** "SUVbw", "HU", "Bq/mL", … */
  readonly units: string;
  /** Units before the SUV factor. */
  readonly rawUnits: string;
  readonly isSuv: boolean;
}

const UNIT_NAMES: Readonly<Record<string, string>> = {
  BQML: "Bq/mL",
  CNTS: "counts",
  GML: "SUVbw",
  PROPCPS: "cps",
  CPS: "cps",
};

export function displayScale(header: VolumeHeader): DisplayScale {
  const rawUnits = UNIT_NAMES[header.units] ?? header.units;
  const bwFactor = header.suv && header.suv.refused === null ? header.suv.bwFactor : null;
  const isSuv = bwFactor !== null;
  return {
    slope: header.slope,
    intercept: header.intercept,
    factor: bwFactor ?? 1,
    units: isSuv ? "SUVbw" : rawUnits,
    rawUnits,
    isSuv,
  };
}

export function shownValue(scale: DisplayScale, stored: number): number {
  return (stored * scale.slope + scale.intercept) * scale.factor;
}
