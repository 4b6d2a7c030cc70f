import { type Manifest, parseManifest } from "../core/manifest";
import { pause } from "./pause";
import { type Fetch, request } from "./request";

const POLL_MS = 2000;

export async function fetchManifest(fetcher: Fetch, url: string, signal: AbortSignal): Promise<Manifest> {
  const response = await request(fetcher, url, { signal, cache: "no-cache", headers: { Accept: "application/json" } });
  return parseManifest(await response.json());
}

/** Asks again every two seconds while a volume is being prepared and hands each answer on. Ends when nothing is left to wait for. */
export async function followManifest(
  fetcher: Fetch,
  url: string,
  signal: AbortSignal,
  first: Manifest,
  onChange: (manifest: Manifest) => void,
  pollMs = POLL_MS,
): Promise<void> {
  let manifest = first;
  while (manifest.series.some((series) => series.volume?.status === "preparing")) {
    await pause(pollMs, signal);
    try {
      manifest = await fetchManifest(fetcher, url, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      continue; // The server may be restarting: what is on the screen stays.
    }
    onChange(manifest);
  }
}
