import type { MipFrames } from "../core/mipFrames";
import type { MipHeader } from "../core/volumeHeader";
import { type Fetch, request } from "./request";
import { DamagedError, littleEndian } from "./unpack";

export async function loadMip(fetcher: Fetch, header: MipHeader, signal: AbortSignal): Promise<MipFrames> {
  const count = header.frames * header.width * header.height;
  const [values, depth] = await Promise.all([
    int16(fetcher, header.url, count, signal),
    header.depthUrl ? int16(fetcher, header.depthUrl, count, signal) : null,
  ]);
  return { header, values, depth };
}

async function int16(
  fetcher: Fetch,
  url: string,
  count: number,
  signal: AbortSignal,
): Promise<Int16Array<ArrayBuffer>> {
  const bytes = await (await request(fetcher, url, { signal })).arrayBuffer();
  if (bytes.byteLength !== count * 2) throw new DamagedError(`${url}: ${bytes.byteLength} bytes, not ${count * 2}`);
  return littleEndian(bytes);
}
