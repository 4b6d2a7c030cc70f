/** Window limits [low, high] in shown units. */
export type Window = readonly [number, number];

export interface WindowPreset {
  readonly id: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly window: Window;
}

function widthLevel(width: number, level: number): Window {
  return [level - width / 2, level + width / 2];
}

/** CT windows as width and level in HU: keys Shift+1 … Shift+5. */
export const CT_WINDOWS: readonly WindowPreset[] = [
  { id: "lung", nameZh: "肺", nameEn: "Lung", window: widthLevel(1500, -600) },
  { id: "mediastinum", nameZh: "纵隔", nameEn: "Mediast.", window: widthLevel(350, 40) },
  { id: "abdomen", nameZh: "腹", nameEn: "Abdomen", window: widthLevel(400, 40) },
  { id: "bone", nameZh: "骨", nameEn: "Bone", window: widthLevel(1800, 400) },
  { id: "brain", nameZh: "脑", nameEn: "Brain", window: widthLevel(80, 40) },
];

/** PET upper levels in SUV: keys 1 … 5. */
export const PET_UPPERS: readonly number[] = [2.5, 5, 7, 10, 15];

/** Index into a colour table: 0 at or below low, 255 at or above high, linear between, halves up. Shaders do the same arithmetic. */
export function windowIndex(value: number, [low, high]: Window): number {
  const share = (value - low) / (high - low);
  return Math.floor(Math.min(1, Math.max(0, share)) * 255 + 0.5);
}

/** Limits after a drag: `width` and `level` as factors and shifts of the present window. */
export function dragWindow(start: Window, dx: number, dy: number, signed: boolean): Window {
  if (!signed) {
    // PET: the lower limit stays; dragging up shows less, down shows more.
    const high = Math.max(start[0] + 1e-3, start[0] + (start[1] - start[0]) * Math.exp((dx - dy) / 200));
    return [start[0], high];
  }
  const width = Math.max(1, (start[1] - start[0]) * Math.exp(dx / 250));
  const level = (start[0] + start[1]) / 2 + dy * Math.max(0.5, width / 400);
  return widthLevel(width, level);
}
