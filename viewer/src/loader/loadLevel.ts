import type { TexelFormat, TexelScale, Texels } from "../core/texels";
import type { Brick, LevelHeader } from "../core/volumeHeader";
import { VoxelGrid } from "../core/voxelGrid";
import { pause } from "./pause";
import { type Fetch, FetchError, request } from "./request";
import { DamagedError, type Unpacked } from "./unpack";
import type { Unpacker } from "./unpacker";

export interface LevelJob {
  readonly level: LevelHeader;
  readonly scale: TexelScale;
  readonly format: TexelFormat;
  readonly signal: AbortSignal;
  /** Slices as they arrive, in any order; texels are null for a backend that needs none. */
  onSlices?(k0: number, count: number, texels: Texels | null): void;
  /** 0 … 1 */
  onProgress?(share: number): void;
}

const PARALLEL = 3;
const TRIES = 3;

/** Loads all bricks of one level, a few at a time. A brick that is damaged or cut short is asked for again. */
export async function loadLevel(fetcher: Fetch, unpacker: Unpacker, job: LevelJob): Promise<VoxelGrid> {
  const { level, signal } = job;
  const perSlice = level.shape[0] * level.shape[1];
  const stored = new Int16Array(perSlice * level.shape[2]);
  const queue = [...level.bricks];
  let done = 0;

  const receive = async (brick: Brick): Promise<Unpacked> => {
    const expected = perSlice * (brick.k1 - brick.k0) * 2;
    const bytes = await (await request(fetcher, brick.url, { signal })).arrayBuffer();
    if (bytes.byteLength !== expected)
      throw new DamagedError(`${brick.url}: ${bytes.byteLength} bytes, not ${expected}`);
    return unpacker.unpack({ bytes, sha256: brick.sha256, scale: job.scale, format: job.format });
  };
  const receiveWithRetries = async (brick: Brick): Promise<Unpacked> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await receive(brick);
      } catch (error) {
        signal.throwIfAborted();
        const lasting = error instanceof FetchError && error.status >= 400 && error.status < 500;
        if (lasting || attempt === TRIES) throw error;
        await pause(250 * attempt, signal);
      }
    }
  };
  const work = async () => {
    for (let brick = queue.shift(); brick; brick = queue.shift()) {
      const unpacked = await receiveWithRetries(brick);
      signal.throwIfAborted();
      stored.set(unpacked.stored, brick.k0 * perSlice);
      job.onSlices?.(brick.k0, brick.k1 - brick.k0, unpacked.texels);
      done += brick.k1 - brick.k0;
      job.onProgress?.(done / level.shape[2]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, level.bricks.length) }, work));
  return new VoxelGrid(level.shape, level.ijkToLps, stored);
}
