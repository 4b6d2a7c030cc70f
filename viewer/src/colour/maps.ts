/** A colour map: 256 RGB triples. */
export type ColourTable = Uint8Array;

export interface ColourMap {
  readonly id: string;
  readonly nameZh: string;
  readonly nameEn: string;
  readonly table: ColourTable;
  /** Does brightness only rise or only fall? Where it does not, sizes of lesions are judged wrongly by eye. */
  readonly monotone: boolean;
}

type Triple = readonly [number, number, number];

function fromFormula(formula: (i: number) => Triple): ColourTable {
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    const rgb = formula(i);
    for (let c = 0; c < 3; c++) table[i * 3 + c] = Math.round(Math.min(255, Math.max(0, rgb[c as 0 | 1 | 2])));
  }
  return table;
}

/** Straight lines between [index, r, g, b] points. */
function fromPoints(points: readonly (readonly [number, number, number, number])[]): ColourTable {
  return fromFormula((i) => {
    let n = 0;
    while (n < points.length - 2 && i > points[n + 1]![0]) n++;
    const [i0, ...a] = points[n]!;
    const [i1, ...b] = points[n + 1]!;
    const t = (i - i0) / (i1 - i0);
    return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
  });
}

const grey = fromFormula((i) => [i, i, i]);
const inverseGrey = fromFormula((i) => [255 - i, 255 - i, 255 - i]);

/** Straight lines per channel, cut to whole numbers: so the tables of DICOM PS3.6 annex B are made. */
function fromChannels(...channels: readonly (readonly (readonly [number, number])[])[]): ColourTable {
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) {
    for (const [c, points] of channels.entries()) {
      let n = 0;
      while (n < points.length - 2 && i > points[n + 1]![0]) n++;
      const [i0, v0] = points[n]!;
      const [i1, v1] = points[n + 1]!;
      const value = v0 + ((v1 - v0) * (i - i0)) / (i1 - i0);
      // The product is taken before the quotient and 1e-9 added, so that whole results are not cut to the number below.
      table[i * 3 + c] = Math.min(255, Math.floor(value + 1e-9));
    }
  }
  return table;
}

/** DICOM PS3.6 B.1.1: red rises over the first half, green over the second, blue over the last quarter. */
const hotIron = fromChannels(
  // Red, green, blue as [index, value]; 256 is cut to 255.
  [
    [0, 0],
    [128, 256],
    [255, 256],
  ],
  [
    [0, 0],
    [128, 0],
    [255, 255],
  ],
  [
    [0, 0],
    [191, 0],
    [255, 256],
  ],
);

/** DICOM PS3.6 B.1.2. */
const pet = fromChannels(
  [
    [0, 0],
    [63, 0],
    [192, 255],
    [255, 255],
  ],
  [
    [0, 0],
    [63, 128],
    [128, 0],
    [255, 255],
  ],
  [
    [0, 0],
    [128, 255],
    [128, 256],
    [192, 0],
    [255, 255],
  ],
);

/** Black body as it heats: black, red, orange, yellow, white. */
const hotMetal = fromPoints([
  [0, 0, 0, 0],
  [96, 168, 0, 0],
  [160, 255, 96, 0],
  [216, 255, 232, 32],
  [255, 255, 255, 255],
]);

/** Hues from violet to red at rising value. */
const petRainbow = fromPoints([
  [0, 0, 0, 0],
  [36, 72, 0, 128],
  [72, 0, 32, 255],
  [110, 0, 200, 220],
  [145, 0, 220, 40],
  [185, 255, 236, 0],
  [225, 255, 96, 0],
  [255, 255, 0, 0],
]);

/** Cubehelix (D. A. Green, Bull. Astr. Soc. India 2011;39:289): brightness rises evenly while the hue turns; start 0.5, -1.5 turns, saturation 1. */
const cubehelix = fromFormula((i) => {
  const level = i / 255;
  const angle = 2 * Math.PI * (0.5 / 3 + 1 - 1.5 * level);
  const amplitude = (level * (1 - level)) / 2;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return [
    255 * (level + amplitude * (-0.14861 * c + 1.78277 * s)),
    255 * (level + amplitude * (-0.29227 * c - 0.90649 * s)),
    255 * (level + amplitude * 1.97294 * c),
  ];
});

function map(id: string, nameZh: string, nameEn: string, table: ColourTable): ColourMap {
  return { id, nameZh, nameEn, table, monotone: isMonotone(table) };
}

/** Does CIE 1931 luminance (sRGB weights, linear light) never turn back? Steps smaller than the table's rounding do not count. */
function isMonotone(table: ColourTable): boolean {
  const linear = (byte: number) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (i: number) =>
    0.2126 * linear(table[i * 3]!) + 0.7152 * linear(table[i * 3 + 1]!) + 0.0722 * linear(table[i * 3 + 2]!);
  const direction = Math.sign(luminance(255) - luminance(0));
  for (let i = 1; i < 256; i++) if ((luminance(i) - luminance(i - 1)) * direction < -0.004) return false;
  return true;
}

export const COLOUR_MAPS: readonly ColourMap[] = [
  map("inverse_grey", "反转灰阶", "Inverse grey", inverseGrey),
  map("grey", "灰阶", "Grey", grey),
  map("hot_iron", "热铁", "Hot Iron", hotIron),
  map("hot_metal", "热金属", "Hot Metal", hotMetal),
  map("pet", "GE 彩色（DICOM PET）", "DICOM PET", pet),
  map("pet_rainbow", "PET 彩虹", "PET Rainbow", petRainbow),
  map("cubehelix", "感知均匀", "Cubehelix", cubehelix),
];

export function colourMap(id: string): ColourMap {
  return COLOUR_MAPS.find((entry) => entry.id === id) ?? COLOUR_MAPS[1]!;
}

/** The table, backwards when inverted. */
export function colourTable(id: string, inverted: boolean): ColourTable {
  const { table } = colourMap(id);
  if (!inverted) return table;
  return fromFormula((i) => {
    const from = (255 - i) * 3;
    return [table[from]!, table[from + 1]!, table[from + 2]!];
  });
}
