import { toHalf } from "./half";

/** What a backend wants per voxel: half floats, floats, or nothing (it reads the stored voxels). */
export type TexelFormat = "half" | "float" | "none";

/** texel = stored * slope + intercept; the shader multiplies by 1 / gain and the SUV factor. */
export interface TexelScale {
  readonly slope: number;
  readonly intercept: number;
  /** Power of two that keeps the largest value inside half floats. */
  readonly gain: number;
}

export type Texels = Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

export function texelScale(slope: number, intercept: number, range: readonly [number, number]): TexelScale {
  const largest = Math.max(Math.abs(range[0]), Math.abs(range[1]), Math.abs(intercept), 1e-30);
  // Half floats end at 65504 and lose digits below 6e-5: put the largest value near 2^14 when it would not fit, or is tiny.
  const exponent = Math.floor(Math.log2(largest));
  const gain = exponent > 14 || exponent < -3 ? 2 ** (14 - exponent) : 1;
  return { slope: slope * gain, intercept: intercept * gain, gain };
}

export function toTexels(stored: Int16Array, scale: TexelScale, format: "half" | "float"): Texels {
  if (format === "float") {
    const out = new Float32Array(stored.length);
    for (let n = 0; n < stored.length; n++) out[n] = stored[n]! * scale.slope + scale.intercept;
    return out;
  }
  const table = halfTable(scale);
  const out = new Uint16Array(stored.length);
  for (let n = 0; n < stored.length; n++) out[n] = table[stored[n]! + 32768]!;
  return out;
}

let cached: { readonly scale: TexelScale; readonly table: Uint16Array } | null = null;

/** All 65 536 answers: a look-up is an order of magnitude quicker than rounding each voxel. */
function halfTable(scale: TexelScale): Uint16Array {
  if (cached?.scale.slope === scale.slope && cached.scale.intercept === scale.intercept) return cached.table;
  const table = new Uint16Array(65536);
  for (let n = 0; n < 65536; n++) table[n] = toHalf((n - 32768) * scale.slope + scale.intercept);
  cached = { scale, table };
  return table;
}
