import { DamagedError, type Unpacked, type UnpackRequest, unpack } from "./unpack";
import type { WorkerAnswer } from "./unpackWorker";

export interface Unpacker {
  unpack(request: UnpackRequest): Promise<Unpacked>;
  close(): void;
}

/** For tests, and where workers are forbidden. */
export const inlineUnpacker: Unpacker = { unpack, close: () => {} };

interface Waiting {
  resolve(unpacked: Unpacked): void;
  reject(error: Error): void;
}

class WorkerLost extends Error {}

/** One worker thread. If it cannot start or dies, the work goes on in the page's own thread. */
export function workerUnpacker(): Unpacker {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | null;
  let next = 0;
  try {
    worker = new Worker(new URL("./unpackWorker.ts", import.meta.url), { type: "module", name: "hevesy-unpack" });
  } catch {
    return inlineUnpacker;
  }
  const end = (reason: Error) => {
    worker?.terminate();
    worker = null;
    for (const call of waiting.values()) call.reject(reason);
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.stored) call?.resolve({ stored: data.stored, texels: data.texels ?? null });
    else call?.reject(data.damaged ? new DamagedError(data.error) : new Error(data.error));
  };
  worker.onerror = () => end(new WorkerLost());
  return {
    async unpack(request) {
      const current = worker;
      if (!current) return unpack(request);
      try {
        return await new Promise<Unpacked>((resolve, reject) => {
          const id = next++;
          waiting.set(id, { resolve, reject });
          // Copied, not transferred: if the worker dies the bytes are still here.
          current.postMessage({ id, request });
        });
      } catch (error) {
        if (error instanceof WorkerLost) return unpack(request);
        throw error;
      }
    },
    close: () => end(new Error("closed")),
  };
}
