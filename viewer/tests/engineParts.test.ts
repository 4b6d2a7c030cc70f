import { describe, expect, it } from "vitest";
import { displayScale } from "../src/core/displayScale";
import { parseManifest } from "../src/core/manifest";
import { initialSession, type Session } from "../src/core/session";
import { Store } from "../src/core/store";
import { parseVolumeHeader } from "../src/core/volumeHeader";
import { moveCross } from "../src/engine/linkedCross";
import type { LoadedSeries } from "../src/engine/loadedSeries";
import { Measurements } from "../src/engine/measurements";
import { pickHottest } from "../src/engine/mipPick";
import { buildScene } from "../src/engine/sceneBuilder";
import { ServerPost } from "../src/engine/serverPost";
import { shareFrame, sideOf, viewOf } from "../src/engine/views";
import { VolumeLibrary } from "../src/engine/volumeLibrary";
import type { Slot } from "../src/layouts/layouts";
import { inlineUnpacker } from "../src/loader/unpacker";
import type { Backend } from "../src/render/backend";
import { gripAt, gripGesture, newEllipse } from "../src/tools/measuring";
import type { CellPoint, ToolTarget } from "../src/tools/target";
import { gridOf, headerJson, manifestJson, upright } from "./cast";
import { FakeServer } from "./server";

const manifest = parseManifest(manifestJson());

function loaded(role: "PET" | "CT", patch: Record<string, unknown> = {}): LoadedSeries {
  const entry = manifest.series.find((series) => series.role === role)!;
  const ct = {
    modality: "CT",
    units: "HU",
    slope: 1,
    suv: null,
    value_range: [-1000, 2000],
    default_window: [-135, 215],
  };
  const header = parseVolumeHeader(
    headerJson({ ...(role === "CT" ? ct : {}), series_instance_uid: entry.uid, ...patch }),
  );
  const grid = gridOf([40, 40, 30], upright([5, 5, 10], [-97.5, -97.5, 0]), (i, j, k) =>
    i === 25 && j === 12 && k === 20 ? 900 : 60,
  );
  const body = { min: [-100, -100, -5] as const, max: [100, 100, 295] as const };
  return {
    ...{ entry, status: "ready", progress: 1, failure: null, header, scale: displayScale(header), grid },
    ...{ isFull: true, body, mip: null, revision: 1 },
  };
}

const slot = (content: Slot["content"], orientation: Slot["orientation"]): Slot => ({
  id: `${content}-${orientation}`,
  content,
  orientation,
  area: [1, 1, 2, 2],
});
const rect = { x: 0, y: 0, width: 300, height: 200 };
const session: Session = {
  ...initialSession(),
  base: "1.2.4",
  overlay: "1.2.3",
  crosshair: [0, 0, 150],
  focus: [0, 0, 150],
};
const input = (patch: Partial<Session> = {}, pair = { base: loaded("CT"), overlay: loaded("PET") }) => ({
  ...{ session: { ...session, ...patch }, pair, pixelRatio: 1, frugal: false },
});

describe("scenes", () => {
  const fused = { slot: slot("fused", "axial"), rect };

  it("fuse with the session's mix, threshold and maps", () => {
    const scene = buildScene(input({ alpha: 0.3, threshold: 0.5 }), fused);
    expect(scene).toMatchObject({ kind: "slice", base: { volume: "1.2.4", map: "grey" } });
    expect(scene.kind === "slice" && scene.overlay).toMatchObject({
      volume: "1.2.3",
      map: "hot_iron",
      alpha: 0.3,
      threshold: 0.5,
      factor: 2e-4,
    });
  });

  it("do not fuse series of different frames of reference", () => {
    const pair = { base: loaded("CT"), overlay: loaded("PET", { frame_of_reference_uid: "other" }) };
    expect(buildScene(input({}, pair), fused).kind).toBe("blank");
    expect(buildScene(input({}, pair), { slot: slot("overlay", "axial"), rect }).kind).toBe("slice");
  });

  it("show the base alone while the blink key is held", () => {
    expect(buildScene(input({ blink: "base" }), fused)).toMatchObject({ base: { volume: "1.2.4" }, overlay: null });
  });

  it("show the overlay alone until the base is there", () => {
    const base = { ...loaded("CT"), header: null, grid: null };
    expect(buildScene(input({}, { base, overlay: loaded("PET") }), fused)).toMatchObject({
      base: { volume: "1.2.3", map: "hot_iron" },
    });
  });

  it("march through the volume where no projections are stored", () => {
    const scene = buildScene(input(), { slot: slot("mip", null), rect });
    expect(scene).toMatchObject({ kind: "slice", slab: { mode: "max" } });
  });
});

describe("series in different frames of reference", () => {
  const pair = { base: loaded("CT"), overlay: loaded("PET", { frame_of_reference_uid: "other" }) };
  const apart = { ...session, overlayCrosshair: [7, 8, 90] as const, overlayFocus: [7, 8, 90] as const };

  it("have a point each, and are fitted each to its own body", () => {
    const over = sideOf(apart, pair, "overlay");
    expect(over.session.crosshair).toEqual([7, 8, 90]);
    expect(over.pair.base).toBeNull();
    const under = sideOf(apart, pair, "base");
    expect(under.session.crosshair).toEqual([0, 0, 150]);
    expect(under.pair.overlay).toBeNull();
  });

  it("are linked when the frame is the same or one of them names none", () => {
    expect(sideOf(apart, { base: loaded("CT"), overlay: loaded("PET") }, "overlay").session.crosshair).toEqual([
      0, 0, 150,
    ]);
    expect(shareFrame({ base: loaded("CT"), overlay: loaded("PET", { frame_of_reference_uid: "" }) })).toBe(true);
  });
});

describe("the linked cross", () => {
  const pair = { base: loaded("CT"), overlay: loaded("PET") };
  const low = { x: 0, y: 0, width: 300, height: 100 };
  const cells = [
    { slot: slot("base", "axial"), rect: low },
    { slot: slot("base", "coronal"), rect: low },
  ];

  it("takes along a view it would leave, and leaves one that shows it", () => {
    const patch = moveCross(session, pair, cells, [10, 5, 20], cells[0]!.slot, true);
    expect(patch.focus).toEqual([10, 0, 20]);
    expect(moveCross(session, pair, cells, [10, 5, 152], cells[0]!.slot, true).focus).toEqual([0, 0, 150]);
  });

  it("does not move the view the pointer is in", () => {
    expect(moveCross(session, pair, cells, [10, 5, 20], cells[1]!.slot, true).focus).toEqual([0, 0, 150]);
  });

  it("stays inside the volumes", () => {
    expect(moveCross(session, pair, cells, [0, 0, 9999], null, true).crosshair).toEqual([0, 0, 295]);
  });
});

describe("a click on the MIP", () => {
  it("finds the hottest voxel along the ray, from the front and from the side", () => {
    const overlay = loaded("PET");
    const target = [27.5, -37.5, 200];
    for (const degrees of [0, 35, 90, 250]) {
      const view = viewOf({ ...session, mipDegrees: degrees }, { base: null, overlay }, slot("mip", null), 300, 400);
      const d = [target[0]! - view.centre[0], target[1]! - view.centre[1], target[2]! - view.centre[2]];
      const x = (d[0]! * view.right[0] + d[1]! * view.right[1]) / view.mmPerPixel + 150;
      const y = -d[2]! / view.mmPerPixel + 200;
      const hit = pickHottest(overlay, view, degrees, x, y)!;
      for (const n of [0, 1, 2] as const) expect(Math.abs(hit[n] - target[n]!)).toBeLessThan(0.7);
    }
  });
});

const nothing = () => {};
function fakeBackend(log: string[]): Backend {
  return {
    ...{
      kind: "cpu",
      description: "",
      canvas: {} as HTMLCanvasElement,
      texelFormat: "none",
      pixelBudget: 1e9,
      onRestored: null,
      onGone: null,
    },
    ...{ resize: nothing, drop: nothing, draw: nothing, dispose: nothing, has: () => true, fits: () => true },
    begin: (key, { shape }) => ({
      slices: nothing,
      finish: () => log.push(`${key} ${shape.join("×")}`),
      abort: nothing,
    }),
    putMip: nothing,
    raw: () => ({ width: 0, height: 0, data: new Float32Array() }),
    pixels: () => ({ width: 0, height: 0, data: new Uint8ClampedArray() }),
  };
}

function imageServer(): FakeServer {
  return new FakeServer()
    .json("/header/1.2.3", headerJson())
    .json("/header/1.2.4", headerJson({ series_instance_uid: "1.2.4", modality: "CT" }))
    .voxels("/preview/0", new Int16Array(4).fill(7))
    .voxels("/preview/1", new Int16Array(4).fill(7))
    .voxels("/full/0", new Int16Array(16).fill(50))
    .voxels("/full/1", new Int16Array(32).fill(50));
}

describe("the library of volumes", () => {
  it("loads previews of all series before the full resolution of any", async () => {
    const log: string[] = [];
    const library = new VolumeLibrary(
      imageServer().fetch,
      inlineUnpacker,
      new AbortController().signal,
      fakeBackend(log),
    );
    library.update(manifest.series);
    await library.open(["1.2.3", "1.2.4"]);
    expect(log.slice(0, 2).sort()).toEqual(["1.2.3 2×2×2", "1.2.4 2×2×2"]);
    expect(log.slice(2)).toEqual(["1.2.3 4×4×3", "1.2.4 4×4×3"]);
    expect(library.get("1.2.3")).toMatchObject({ status: "ready", isFull: true, progress: 1 });
  });

  it("says why a series failed, shows the other, and tries again when asked", async () => {
    const server = imageServer().on("/header/1.2.4", () => Response.json({ error: "无权查看" }, { status: 403 }));
    const library = new VolumeLibrary(server.fetch, inlineUnpacker, new AbortController().signal, fakeBackend([]));
    library.update(manifest.series);
    await library.open(["1.2.3", "1.2.4"]);
    expect(library.get("1.2.3")?.status).toBe("ready");
    expect(library.get("1.2.4")).toMatchObject({
      status: "failed",
      failure: { reason: "forbidden", detail: "无权查看" },
    });
    server.json("/header/1.2.4", headerJson({ series_instance_uid: "1.2.4" }));
    await library.retry("1.2.4");
    expect(library.get("1.2.4")?.status).toBe("ready");
  });

  it("gives a new backend all it has", async () => {
    const library = new VolumeLibrary(
      imageServer().fetch,
      inlineUnpacker,
      new AbortController().signal,
      fakeBackend([]),
    );
    library.update(manifest.series);
    await library.open(["1.2.3"]);
    const log: string[] = [];
    library.moveTo(fakeBackend(log));
    expect(log).toEqual(["1.2.3 4×4×3"]);
  });

  it("frees what is not shown and gives it back when it is shown again, without asking the server", async () => {
    const log: string[] = [];
    const held = new Set<string>();
    const plain = fakeBackend(log);
    const backend: Backend = {
      ...plain,
      has: (key) => held.has(key),
      drop: (key) => held.delete(key),
      begin: (key, volume) => ({ ...plain.begin(key, volume), finish: () => held.add(key) }),
    };
    const server = imageServer();
    const library = new VolumeLibrary(server.fetch, inlineUnpacker, new AbortController().signal, backend);
    library.update(manifest.series);
    await library.open(["1.2.3", "1.2.4"]);
    library.release(["1.2.3"]);
    expect([...held]).toEqual(["1.2.3"]);
    const before = server.asked.length;
    await library.open(["1.2.3", "1.2.4"]);
    expect([...held].sort()).toEqual(["1.2.3", "1.2.4"]);
    expect(server.asked.length).toBe(before);
  });

  it("waits for a series that is being prepared", async () => {
    const preparing = parseManifest(manifestJson());
    const entries = preparing.series.map((s) => ({
      ...s,
      volume: { ...s.volume!, status: "preparing" as const, progress: 0.4 },
    }));
    const library = new VolumeLibrary(
      imageServer().fetch,
      inlineUnpacker,
      new AbortController().signal,
      fakeBackend([]),
    );
    library.update(entries);
    await library.open(["1.2.3"]);
    expect(library.get("1.2.3")).toMatchObject({ status: "preparing", progress: 0.4 });
    library.update(manifest.series);
    await library.open(["1.2.3"]);
    expect(library.get("1.2.3")?.status).toBe("ready");
  });
});

describe("measuring", () => {
  async function desk(server = imageServer()) {
    const { signal } = new AbortController();
    const store = new Store<Session>(session);
    const library = new VolumeLibrary(server.fetch, inlineUnpacker, signal, fakeBackend([]));
    library.update(manifest.series);
    await library.open(["1.2.3"]);
    const post = new ServerPost(server.fetch, () => "token", signal);
    const measurements = new Measurements(store, library, post, () => "/measure/");
    const axial = slot("overlay", "axial");
    const pair = { base: null, overlay: loaded("PET") };
    const target = {
      ...{
        store,
        measurements,
        view: () => viewOf(store.state, pair, axial, 300, 200),
        seriesIn: () => ["1.2.3"],
        isApart: () => false,
      },
    } as unknown as ToolTarget;
    return { store, measurements, target, axial, server };
  }
  const at = (x: number, y: number, shift = false): CellPoint => ({ x, y, pixelRatio: 1, shift });

  it("draws an ellipse into the box that was dragged", async () => {
    const { store, target, axial } = await desk();
    const gesture = newEllipse(target, axial, "axial", at(100, 60));
    gesture.move(at(140, 90));
    gesture.end(at(160, 100));
    const [m] = store.state.measurements;
    const mm = target.view(axial).mmPerPixel;
    expect(m).toMatchObject({ kind: "ellipse", label: "R1", seriesUids: ["1.2.3"] });
    expect(m?.kind === "ellipse" && [m.radiusUMm / mm, m.radiusVMm / mm]).toEqual([
      expect.closeTo(30, 6),
      expect.closeTo(20, 6),
    ]);
  });

  it("draws nothing for a mere click", async () => {
    const { store, target, axial } = await desk();
    newEllipse(target, axial, "axial", at(100, 60)).end(at(100, 60));
    expect(store.state.measurements).toEqual([]);
  });

  it("a handle moves its side and leaves the other", async () => {
    const { store, target, axial } = await desk();
    const draw = newEllipse(target, axial, "axial", at(100, 60));
    draw.end(at(160, 100));
    const view = target.view(axial);
    const grip = gripAt(store.state.measurements, view, at(160, 80))!;
    expect(grip.part).toBe("u+");
    gripGesture(target, axial, grip, at(160, 80)).end(at(180, 80));
    expect(gripAt(store.state.measurements, view, at(180, 80))?.part).toBe("u+");
    expect(gripAt(store.state.measurements, view, at(100, 80))?.part).toBe("u-");
    expect(gripAt(store.state.measurements, view, at(140, 80))).toBeNull();
  });

  it("asks the server and shows its number in place of the preview", async () => {
    const answer = {
      units: "SUVbw",
      max: 9,
      mean: 8,
      min: 7,
      std: 0.5,
      voxels: 12,
      area_mm2: 99,
      max_at_lps: [1, 2, 3],
      method: "m",
      version: "v",
    };
    const { store, target, axial, measurements, server } = await desk(imageServer().json("/measure/", answer));
    newEllipse(target, axial, "axial", at(100, 60)).end(at(160, 100));
    const [m] = store.state.measurements;
    if (m?.kind !== "ellipse") throw new Error("no ellipse");
    expect(measurements.result(m, "1.2.3").state).toBe("asking");
    await new Promise((resolve) => measurements.changed.listen(() => resolve(null)));
    expect(measurements.result(m, "1.2.3")).toMatchObject({ state: "server", statistics: { max: 9, version: "v" } });
    const sent = JSON.parse(server.bodies[0] as string);
    expect(sent).toMatchObject({ volume_id: "vol-1", kind: "ellipse", centre_lps: m.centre, radius_u_mm: m.radiusUMm });
  });

  it("keeps the preview when the server does not answer, and says so", async () => {
    const { store, target, axial, measurements } = await desk(imageServer().on("/measure/", new TypeError("down")));
    newEllipse(target, axial, "axial", at(100, 60)).end(at(160, 100));
    await new Promise((resolve) => measurements.changed.listen(() => resolve(null)));
    const [m] = store.state.measurements;
    expect(m?.kind === "ellipse" && measurements.result(m, "1.2.3").state).toBe("failed");
  });

  it("can be undone and redone", async () => {
    const { store, target, axial, measurements } = await desk();
    newEllipse(target, axial, "axial", at(100, 60)).end(at(160, 100));
    newEllipse(target, axial, "axial", at(20, 20)).end(at(40, 50));
    measurements.remove(store.state.measurements[0]!.id);
    expect(store.state.measurements).toHaveLength(1);
    measurements.undo();
    expect(store.state.measurements.map((m) => m.label)).toEqual(["R1", "R2"]);
    measurements.undo();
    measurements.undo();
    expect(store.state.measurements).toEqual([]);
    measurements.redo();
    expect(store.state.measurements.map((m) => m.label)).toEqual(["R1"]);
  });
});
