import type { Orientation } from "../core/planes";

export type Content = "base" | "overlay" | "fused" | "mip";

/** A place in the grid, with what it shows. Its id stays the same over all layouts, so that a view's state survives a change. */
export interface Slot {
  readonly id: string;
  readonly content: Content;
  /** Null for the MIP. */
  readonly orientation: Orientation | null;
  /** CSS grid lines: row start, column start, row end, column end. */
  readonly area: readonly [number, number, number, number];
}

export interface Grid {
  /** Relative sizes of columns and rows. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  readonly slots: readonly Slot[];
}

/** What the study offers: decides how a layout is filled. */
export interface Available {
  readonly base: boolean;
  readonly overlay: boolean;
  readonly mip: boolean;
}

export interface Layout {
  readonly id: string;
  readonly icon: string;
  readonly nameZh: string;
  readonly nameEn: string;
  build(available: Available): Grid;
}

function slot(content: Content, orientation: Orientation | null, area: Slot["area"]): Slot {
  return { id: orientation ? `${content}-${orientation}` : content, content, orientation, area };
}

function contents({ base, overlay }: Available): Content[] {
  if (base && overlay) return ["base", "overlay", "fused"];
  return [base ? "base" : "overlay"];
}

const PLANES: readonly Orientation[] = ["axial", "coronal", "sagittal"];
const MIP_SHARE = 1.07;

/** One series: axial wide on top, the two tall views below, MIP at the right. */
function singleSeries(content: Content, mip: boolean): Grid {
  const slots = [
    slot(content, "axial", [1, 1, 2, 3]),
    slot(content, "coronal", [2, 1, 3, 2]),
    slot(content, "sagittal", [2, 2, 3, 3]),
  ];
  if (mip) slots.push(slot("mip", null, [1, 3, 3, 4]));
  return { columns: mip ? [1, 1, 1] : [1, 1], rows: [1, 1.25], slots };
}

/** Series down, planes across, MIP over the full height. */
function house(available: Available): Grid {
  const rows = contents(available);
  if (rows.length === 1) return singleSeries(rows[0]!, available.mip);
  const slots = rows.flatMap((content, row) =>
    PLANES.map((plane, column) => slot(content, plane, [row + 1, column + 1, row + 2, column + 2])),
  );
  if (available.mip) slots.push(slot("mip", null, [1, 4, rows.length + 1, 5]));
  return { columns: available.mip ? [1, 1, 1, MIP_SHARE] : [1, 1, 1], rows: rows.map(() => 1), slots };
}

function twoByTwo(available: Available): Grid {
  const [a, b, c] = contents(available);
  const last = (area: Slot["area"]) => (available.mip ? [slot("mip", null, area)] : []);
  const slots =
    b && c
      ? [
          slot(a!, "axial", [1, 1, 2, 2]),
          slot(b, "axial", [1, 2, 2, 3]),
          slot(c, "axial", [2, 1, 3, 2]),
          ...(available.mip ? last([2, 2, 3, 3]) : [slot(c, "coronal", [2, 2, 3, 3])]),
        ]
      : [
          slot(a!, "axial", available.mip ? [1, 1, 2, 2] : [1, 1, 2, 3]),
          slot(a!, "coronal", [2, 1, 3, 2]),
          slot(a!, "sagittal", [2, 2, 3, 3]),
          ...last([1, 2, 2, 3]),
        ];
  return { columns: [1, 1], rows: [1, 1], slots };
}

/** The fused picture large in three planes, MIP beside. */
function fusedPlanes(available: Available): Grid {
  return singleSeries(contents(available).at(-1)!, available.mip);
}

/** The same axial slice of every series side by side. */
function axialRow(available: Available): Grid {
  const columns = contents(available);
  const slots = columns.map((content, n) => slot(content, "axial", [1, n + 1, 2, n + 2]));
  return { columns: columns.map(() => 1), rows: [1], slots };
}

export const LAYOUTS: readonly Layout[] = [
  { id: "house", icon: "grid-3x3", nameZh: "3×3 + MIP", nameEn: "3×3 + MIP", build: house },
  { id: "two", icon: "layout-grid", nameZh: "2×2", nameEn: "2×2", build: twoByTwo },
  { id: "fused", icon: "layout-columns", nameZh: "融合三面", nameEn: "Fused", build: fusedPlanes },
  { id: "axial", icon: "columns-3", nameZh: "横断", nameEn: "Axial", build: axialRow },
];

/** The grid to show: one slot alone when it is maximised and exists in the layout. */
export function buildGrid(layoutId: string, maximised: string | null, available: Available): Grid {
  if (!available.base && !available.overlay) return { columns: [1], rows: [1], slots: [] };
  const layout = LAYOUTS.find((entry) => entry.id === layoutId) ?? LAYOUTS[0]!;
  const grid = layout.build(available);
  const alone = grid.slots.find((entry) => entry.id === maximised);
  return alone ? { columns: [1], rows: [1], slots: [{ ...alone, area: [1, 1, 2, 2] }] } : grid;
}
