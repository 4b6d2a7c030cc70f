import { type TexelFormat, type TexelScale, type Texels, toTexels } from "../core/texels";

export interface UnpackRequest {
  readonly bytes: ArrayBuffer;
  /** Hex; empty when the server gave none. */
  readonly sha256: string;
  readonly scale: TexelScale;
  readonly format: TexelFormat;
}

export interface Unpacked {
  readonly stored: Int16Array<ArrayBuffer>;
  readonly texels: Texels | null;
}

export class DamagedError extends Error {}

/** From received bytes to voxels, checked, and to what the graphics wants. Runs in a worker where there is one. */
export async function unpack(request: UnpackRequest): Promise<Unpacked> {
  // Only a secure context (https or this machine) has digests; TCP's own check has to do on plain http.
  if (request.sha256 && globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", request.bytes));
    const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    if (hex !== request.sha256.toLowerCase()) throw new DamagedError("sha-256 differs");
  }
  const stored = littleEndian(request.bytes);
  const texels = request.format === "none" ? null : toTexels(stored, request.scale, request.format);
  return { stored, texels };
}

const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

export function littleEndian(bytes: ArrayBuffer): Int16Array<ArrayBuffer> {
  if (bytes.byteLength % 2) throw new DamagedError("odd number of bytes");
  if (HOST_IS_LITTLE) return new Int16Array(bytes);
  const view = new DataView(bytes);
  return Int16Array.from({ length: bytes.byteLength / 2 }, (_, n) => view.getInt16(n * 2, true));
}
