import { describe, expect, it, vi } from "vitest";
import { FormatError } from "../src/core/fields";
import { parseManifest } from "../src/core/manifest";
import { texelScale } from "../src/core/texels";
import { parseVolumeHeader } from "../src/core/volumeHeader";
import { loadLevel } from "../src/loader/loadLevel";
import { loadMip } from "../src/loader/loadMip";
import { followManifest } from "../src/loader/manifestSource";
import { FetchError, request } from "../src/loader/request";
import { DamagedError } from "../src/loader/unpack";
import { inlineUnpacker } from "../src/loader/unpacker";
import { headerJson, manifestJson } from "./cast";
import { FakeServer } from "./server";

const header = parseVolumeHeader(headerJson());
const full = header.levels[1]!;
const voxels = Int16Array.from({ length: 48 }, (_, n) => n * 3 - 20);

function job(patch: Partial<Parameters<typeof loadLevel>[2]> = {}): Parameters<typeof loadLevel>[2] {
  const scale = texelScale(1, 0, [-1000, 1000]);
  return { level: full, scale, format: "none", signal: new AbortController().signal, ...patch };
}

function goodServer(): FakeServer {
  return new FakeServer().voxels("/full/0", voxels.slice(0, 16)).voxels("/full/1", voxels.slice(16));
}

describe("loading a level", () => {
  it("puts the bricks where they belong and tells how far it is", async () => {
    const progress: number[] = [];
    const slices: number[] = [];
    const grid = await loadLevel(
      goodServer().fetch,
      inlineUnpacker,
      job({ format: "float", onProgress: (share) => progress.push(share), onSlices: (k0, n) => slices.push(k0, n) }),
    );
    expect(grid.stored).toEqual(voxels);
    expect(progress.at(-1)).toBe(1);
    expect(slices.sort()).toEqual([0, 1, 1, 2]);
  });

  it("asks again for a brick that came short, and for one the network dropped", async () => {
    const server = goodServer()
      .on(
        "/full/0",
        () => new Response(new Int16Array(3)),
        () => new Response(voxels.slice(0, 16)),
      )
      .on("/full/1", new TypeError("network"), () => new Response(voxels.slice(16)));
    const grid = await loadLevel(server.fetch, inlineUnpacker, job());
    expect(grid.stored).toEqual(voxels);
    expect([server.times("/full/0"), server.times("/full/1")]).toEqual([2, 2]);
  });

  it("refuses voxels whose digest differs", async () => {
    const bricks = [{ ...full.bricks[0]!, sha256: "00".repeat(32) }, full.bricks[1]!];
    const loading = loadLevel(goodServer().fetch, inlineUnpacker, job({ level: { ...full, bricks } }));
    await expect(loading).rejects.toThrow(DamagedError);
  });

  it("accepts voxels whose digest is right", async () => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", voxels.slice(0, 16)));
    const sha256 = [...digest].map((b) => b.toString(16).padStart(2, "0")).join("");
    const bricks = [{ ...full.bricks[0]!, sha256 }, full.bricks[1]!];
    const grid = await loadLevel(goodServer().fetch, inlineUnpacker, job({ level: { ...full, bricks } }));
    expect(grid.stored).toEqual(voxels);
  });

  it("does not repeat what the server refuses", async () => {
    const server = goodServer().on("/full/1", () => new Response("", { status: 403 }));
    await expect(loadLevel(server.fetch, inlineUnpacker, job())).rejects.toMatchObject({ status: 403 });
    expect(server.times("/full/1")).toBe(1);
  });

  it("stops when aborted and does not retry", async () => {
    const abort = new AbortController();
    const server = goodServer().on("/full/0", () => {
      abort.abort();
      return new Response(new Int16Array(3));
    });
    await expect(loadLevel(server.fetch, inlineUnpacker, job({ signal: abort.signal }))).rejects.toThrow(/abort/i);
    expect(server.times("/full/0")).toBe(1);
  });
});

describe("requests", () => {
  it("tell an ended session from an answer", async () => {
    const page = new Response("<form>", { headers: { "content-type": "text/html" } });
    Object.defineProperty(page, "redirected", { value: true });
    await expect(request(new FakeServer().on("/x", page).fetch, "/x")).rejects.toEqual(new FetchError(401, "/x"));
  });

  it("tell no server from a refusing one", async () => {
    await expect(request(new FakeServer().on("/x", new TypeError("x")).fetch, "/x")).rejects.toMatchObject({
      status: 0,
    });
    await expect(request(new FakeServer().fetch, "/x")).rejects.toMatchObject({ status: 404 });
  });

  it("MIP frames of the wrong size are refused", async () => {
    const server = new FakeServer().voxels("/mip", new Int16Array(5));
    const mip = { frames: 2, width: 2, height: 2, degreesPerFrame: 180, spacingMm: 4, centre: [0, 0, 0] as const };
    const rest = {
      units: "SUVbw",
      slope: 1,
      intercept: 0,
      url: "/mip",
      depthUrl: null,
      depthSlopeMm: 1,
      depthInterceptMm: 0,
    };
    await expect(loadMip(server.fetch, { ...mip, ...rest }, new AbortController().signal)).rejects.toThrow(
      DamagedError,
    );
  });
});

describe("manifest and header", () => {
  it("a fault is named by its field", () => {
    expect(() => parseVolumeHeader(headerJson({ slope: "x" }))).toThrow(/header\.slope: expected a number/);
    expect(() => parseVolumeHeader(headerJson({ format: "other/2" }))).toThrow(FormatError);
    expect(() => parseVolumeHeader(headerJson({ levels: [] }))).toThrow(/levels/);
    expect(() => parseManifest(manifestJson({ patient: null }))).toThrow(/manifest\.patient/);
  });

  it("without a suggestion PET is laid on CT", () => {
    expect(parseManifest(manifestJson({ suggested: null })).suggested).toEqual({ base: "1.2.4", overlay: "1.2.3" });
  });

  it("a suggestion of a series that is not there is not followed", () => {
    const suggested = { base: "9.9", overlay: null };
    expect(parseManifest(manifestJson({ suggested })).suggested).toEqual({ base: "1.2.4", overlay: "1.2.3" });
  });

  it("decimals sent as text are numbers", () => {
    const exam = { number: "PT1", administered_mbq: "269.0", weight_kg: 67.5 };
    expect(parseManifest(manifestJson({ exam })).exam).toMatchObject({
      administeredMbq: 269,
      weightKg: 67.5,
      uptakeMin: null,
    });
  });

  it("is asked for again while a volume is being prepared, through a short outage, and no longer", async () => {
    vi.useFakeTimers();
    const preparing = manifestJson();
    (preparing.series as { volume: { status: string } }[])[0]!.volume.status = "preparing";
    const server = new FakeServer().on(
      "/m",
      () => Response.json(preparing),
      new TypeError("restart"),
      () => Response.json(manifestJson()),
    );
    const seen: string[] = [];
    const done = followManifest(server.fetch, "/m", new AbortController().signal, parseManifest(preparing), (m) =>
      seen.push(m.series[0]!.volume!.status),
    );
    await vi.advanceTimersByTimeAsync(6000);
    await done;
    expect(seen).toEqual(["preparing", "ready"]);
    expect(server.times("/m")).toBe(3);
    vi.useRealTimers();
  });
});
