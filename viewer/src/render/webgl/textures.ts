import { colourTable } from "../../colour/maps";
import { columnMajor, invert, type Mat4, multiply } from "../../core/mat4";
import type { MipFrames } from "../../core/mipFrames";
import { type TexelFormat, type Texels, texelScale, toTexels } from "../../core/texels";
import type { Vec3 } from "../../core/vec3";
import type { VolumeShape } from "../backend";

export type FloatFormat = Exclude<TexelFormat, "none">;

function linear(gl: WebGL2RenderingContext, target: number): void {
  gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
  gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
  gl.texParameteri(target, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(target, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  gl.texParameteri(target, gl.TEXTURE_WRAP_R, gl.CLAMP_TO_EDGE);
}

/** A volume in graphics memory with its transform from the patient to texture coordinates. */
export class VolumeTexture {
  readonly texture: WebGLTexture;
  readonly worldToTexture: Float32Array;
  /** Shown unit per texel before the SUV factor. */
  readonly perTexel: number;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    readonly format: FloatFormat,
    private readonly volume: VolumeShape,
  ) {
    const [nx, ny, nz] = volume.shape;
    this.texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_3D, this.texture);
    linear(gl, gl.TEXTURE_3D);
    gl.texStorage3D(gl.TEXTURE_3D, 1, format === "half" ? gl.R16F : gl.R32F, nx, ny, nz);
    this.worldToTexture = columnMajor(toTexture(volume.ijkToLps, volume.shape));
    this.perTexel = 1 / volume.scale.gain;
  }

  /** The only place where voxels go to the graphics: some drivers leak or lose the context here, and work-arounds go here too. */
  slices(k0: number, count: number, texels: Texels): void {
    const { gl } = this;
    const [nx, ny] = this.volume.shape;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_3D, this.texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const kind = this.format === "half" ? gl.HALF_FLOAT : gl.FLOAT;
    gl.texSubImage3D(gl.TEXTURE_3D, 0, 0, 0, k0, nx, ny, count, gl.RED, kind, texels);
  }

  delete(): void {
    this.gl.deleteTexture(this.texture);
  }
}

/** World → [0,1]³: voxel centres lie half a voxel inside the texture's border. */
function toTexture(ijkToLps: Mat4, shape: Vec3): Mat4 {
  const [nx, ny, nz] = shape;
  const fit: Mat4 = [1 / nx, 0, 0, 0.5 / nx, 0, 1 / ny, 0, 0.5 / ny, 0, 0, 1 / nz, 0.5 / nz, 0, 0, 0, 1];
  return multiply(fit, invert(ijkToLps));
}

/** All stored projections of a volume as layers of one texture. */
export class MipTexture {
  readonly texture: WebGLTexture;
  readonly perTexel: number;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    format: FloatFormat,
    readonly frames: MipFrames,
  ) {
    const { header, values } = frames;
    const ends = [-32768 * header.slope + header.intercept, 32767 * header.slope + header.intercept] as const;
    const scale = texelScale(header.slope, header.intercept, ends);
    this.perTexel = 1 / scale.gain;
    this.texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.texture);
    linear(gl, gl.TEXTURE_2D_ARRAY);
    const { width, height } = header;
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, format === "half" ? gl.R16F : gl.R32F, width, height, header.frames);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    const kind = format === "half" ? gl.HALF_FLOAT : gl.FLOAT;
    const texels = toTexels(values, scale, format);
    gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, 0, 0, 0, 0, width, height, header.frames, gl.RED, kind, texels);
  }

  delete(): void {
    this.gl.deleteTexture(this.texture);
  }
}

const ROWS = 64;

/** Colour maps, one a row, fetched by whole index so that no filter touches them. */
export class MapTexture {
  private readonly texture: WebGLTexture;
  private readonly rows = new Map<string, number>();

  constructor(private readonly gl: WebGL2RenderingContext) {
    this.texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, 256, ROWS);
  }

  bind(): void {
    this.gl.activeTexture(this.gl.TEXTURE2);
    this.gl.bindTexture(this.gl.TEXTURE_2D, this.texture);
  }

  /** Row of a map; it is put in at first use. */
  row(map: string, inverted: boolean): number {
    const key = inverted ? `${map}!` : map;
    let row = this.rows.get(key);
    if (row === undefined) {
      row = this.rows.size % ROWS;
      this.rows.set(key, row);
      const table = colourTable(map, inverted);
      const rgba = new Uint8Array(1024).fill(255);
      for (let i = 0; i < 256; i++) for (let c = 0; c < 3; c++) rgba[i * 4 + c] = table[i * 3 + c]!;
      const { gl } = this;
      this.bind();
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, row, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
    }
    return row;
  }
}
