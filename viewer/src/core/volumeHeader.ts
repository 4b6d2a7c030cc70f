import { Fields, FormatError } from "./fields";
import type { Mat4 } from "./mat4";
import type { Vec3 } from "./vec3";

export interface Brick {
  /** Slices k0 … k1-1 */
  readonly k0: number;
  readonly k1: number;
  readonly url: string;
  readonly sha256: string;
}

export interface LevelHeader {
  readonly name: string;
  /** Columns, rows, slices */
  readonly shape: Vec3;
  readonly ijkToLps: Mat4;
  readonly bricks: readonly Brick[];
}

/** A sentence of the server in both languages. */
export interface Text {
  readonly zh: string;
  readonly en: string;
}

export interface SuvHeader {
  /** SUVbw = value in `units` times this; null when SUV must not be shown. */
  readonly bwFactor: number | null;
  readonly method: string;
  readonly version: string;
  readonly refused: string | null;
  /** Why it is refused, and what to know about it, in both languages. */
  readonly refusedText: Text;
  readonly warnings: readonly Text[];
  readonly weightKg: number | null;
  readonly doseBq: number | null;
  readonly halfLifeS: number | null;
  readonly decayS: number | null;
}

export interface MipHeader {
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly degreesPerFrame: number;
  readonly spacingMm: number;
  readonly centre: Vec3;
  readonly units: string;
  readonly slope: number;
  readonly intercept: number;
  readonly url: string;
  readonly depthUrl: string | null;
  readonly depthSlopeMm: number;
  readonly depthInterceptMm: number;
}

export interface VolumeHeader {
  readonly id: string;
  readonly seriesUid: string;
  readonly frameOfReferenceUid: string;
  readonly modality: string;
  readonly units: string;
  readonly description: string;
  readonly slope: number;
  readonly intercept: number;
  readonly valueRange: readonly [number, number];
  readonly defaultWindow: readonly [number, number];
  readonly suv: SuvHeader | null;
  /** What was found when the slices were put together: gaps, jitter, differing scales. */
  readonly findings: readonly Text[];
  /** Coarse first; the last one is the full resolution. */
  readonly levels: readonly LevelHeader[];
  readonly mip: MipHeader | null;
}

/**
 * Reads `header.json` of the transport "hevesy-volume/1". Bodies are addressed by `url`, or by `path` beside the header.
 * Throws FormatError naming the field that is wrong.
 */
export function parseVolumeHeader(json: unknown, headerUrl = ""): VolumeHeader {
  const address: Address = (fields, url, path) => {
    const given = fields.optionalText(url);
    return given ?? headerUrl.replace(/[^/]*$/, "") + fields.text(path);
  };
  const header = new Fields(json, "header");
  const format = header.text("format");
  if (format !== "hevesy-volume/1") throw new FormatError(`header.format: ${format} is not known to this viewer`);
  const levels = header.objects("levels").map((level) => parseLevel(level, address));
  if (levels.length === 0) throw new FormatError("header.levels: empty");
  const suv = header.optionalObject("suv");
  const mip = header.optionalObject("mip");
  return {
    id: header.text("id"),
    seriesUid: header.text("series_instance_uid"),
    frameOfReferenceUid: header.text("frame_of_reference_uid", ""),
    modality: header.text("modality"),
    units: header.text("units", ""),
    description: header.text("description", ""),
    slope: header.number("slope"),
    intercept: header.number("intercept"),
    valueRange: header.numbers("value_range", 2) as unknown as [number, number],
    defaultWindow: header.numbers("default_window", 2) as unknown as [number, number],
    suv: suv && parseSuv(suv),
    findings: header.list("findings").map(parseText),
    levels,
    mip: mip && parseMip(mip, address),
  };
}

type Address = (fields: Fields, url: string, path: string) => string;

function parseText(value: unknown): Text {
  if (typeof value === "string") return { zh: value, en: value };
  const text = new Fields(value, "text");
  const zh = text.text("text_zh", "");
  return { zh, en: text.text("text_en", zh) };
}

function parseLevel(level: Fields, address: Address): LevelHeader {
  const shape = level.numbers("shape", 3) as unknown as Vec3;
  if (!shape.every((n) => Number.isInteger(n) && n > 0)) throw level.wrong("shape", "three positive whole numbers");
  const bricks = level.objects("bricks").map((brick) => ({
    k0: brick.number("k0"),
    k1: brick.number("k1"),
    url: address(brick, "url", "path"),
    sha256: brick.text("sha256", ""),
  }));
  const slices = bricks.reduce((sum, brick) => sum + (brick.k1 - brick.k0), 0);
  if (slices !== shape[2]) throw level.wrong("bricks", `${shape[2]} slices in all, not ${slices}`);
  return { name: level.text("name"), shape, ijkToLps: level.numbers("ijk_to_lps", 16) as unknown as Mat4, bricks };
}

function parseSuv(suv: Fields): SuvHeader {
  return {
    bwFactor: suv.optionalNumber("bw_factor"),
    method: suv.text("method", ""),
    version: suv.text("version", ""),
    refused: suv.optionalText("refused"),
    refusedText: { zh: suv.text("refused_text_zh", ""), en: suv.text("refused_text_en", "") },
    warnings: suv.list("warnings").map(parseText),
    weightKg: suv.optionalNumber("weight_kg"),
    doseBq: suv.optionalNumber("dose_bq"),
    halfLifeS: suv.optionalNumber("half_life_s"),
    decayS: suv.optionalNumber("decay_s"),
  };
}

function parseMip(mip: Fields, address: Address): MipHeader {
  const [width, height] = mip.numbers("shape", 2) as [number, number];
  return {
    frames: mip.number("frames"),
    width,
    height,
    degreesPerFrame: mip.number("degrees_per_frame"),
    spacingMm: mip.number("spacing_mm"),
    centre: mip.numbers("centre_lps", 3) as unknown as Vec3,
    units: mip.text("units", ""),
    slope: mip.number("slope"),
    intercept: mip.number("intercept"),
    url: address(mip, "url", "path"),
    depthUrl: mip.raw("depth_url") || mip.raw("depth_path") ? address(mip, "depth_url", "depth_path") : null,
    depthSlopeMm: mip.number("depth_slope_mm", 1),
    depthInterceptMm: mip.number("depth_intercept_mm", 0),
  };
}
