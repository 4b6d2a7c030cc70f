import { colourTable } from "../colour/maps";
import type { Engine } from "../engine/engine";
import { isLight } from "../engine/sceneBuilder";
import { type Shape, shapesIn } from "./annotations";
import { cellTexts } from "./cellTexts";
import type { Page } from "./page";
import type { Stage } from "./stage";

/** Height in pixels a key image should at least have, so that it prints well whatever the window's size was. */
const WANTED_HEIGHT = 900;
const LARGEST = 4096;

interface Pen {
  readonly context: CanvasRenderingContext2D;
  /** Picture pixels of one CSS pixel. */
  readonly unit: number;
}

/** PNG of one cell, or of the whole layout, drawn anew at print size with its texts and measurements. */
export async function capture(page: Page, stage: Stage, cellIndex: number | null): Promise<Blob> {
  const { engine } = page;
  const indices = cellIndex === null ? stage.cells.map((cell) => cell.index) : [cellIndex];
  const rects = indices.map((index) => engine.rectOf(index));
  const left = Math.min(...rects.map((r) => r.x));
  const top = Math.min(...rects.map((r) => r.y));
  const width = Math.max(...rects.map((r) => r.x + r.width)) - left;
  const height = Math.max(...rects.map((r) => r.y + r.height)) - top;
  const wanted = Math.max(1, WANTED_HEIGHT / height);
  const factor = Math.min(wanted, 3, LARGEST / width, LARGEST / height);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * factor);
  canvas.height = Math.round(height * factor);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.fillStyle = "#262626";
  context.fillRect(0, 0, canvas.width, canvas.height);
  for (const [n, index] of indices.entries()) {
    const rect = rects[n]!;
    const { data, width: columns, height: rows } = engine.picture(index, factor);
    const x = Math.round((rect.x - left) * factor);
    const y = Math.round((rect.y - top) * factor);
    context.putImageData(new ImageData(data, columns, rows), x, y);
    context.save();
    context.beginPath();
    context.rect(x, y, columns, rows);
    context.clip();
    context.translate(x, y);
    drawCell(page, stage, index, { context, unit: stage.pixelRatio * factor }, columns, rows, factor);
    context.restore();
  }
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}

function drawCell(
  page: Page,
  stage: Stage,
  index: number,
  pen: Pen,
  width: number,
  height: number,
  factor: number,
): void {
  const { engine, t, language } = page;
  const { slot } = stage.cells[index]!;
  const { context, unit } = pen;
  const texts = cellTexts(engine, slot, t, language);
  const light = isLight(engine.store.state, slot.content);
  const edge = 10 * unit;
  const text = (words: string, x: number, y: number, align: CanvasTextAlign) => {
    context.textAlign = align;
    write(pen, words, x, y, light);
  };
  context.font = `${13 * unit}px ${getComputedStyle(stage.element).fontFamily}`;
  context.textBaseline = "top";
  text(texts.title, edge, 8 * unit, "left");
  text(texts.position, width - 40 * unit, 8 * unit, "right");
  text(texts.left, edge, height / 2 - 8 * unit, "left");
  text(texts.top, width / 2, 8 * unit, "center");
  text(texts.bottom, edge, height - 24 * unit, "left");
  if (texts.bar) drawBar(pen, texts.bar, width, height, light);
  for (const shape of shapesIn(engine, slot, stage.pixelRatio)) drawShape(pen, shape, factor, light);
}

function write({ context, unit }: Pen, words: string, x: number, y: number, light: boolean): void {
  context.lineWidth = 3 * unit;
  context.lineJoin = "round";
  context.strokeStyle = light ? "#fff" : "#000";
  context.fillStyle = light ? "#222" : "#e2e2e2";
  context.strokeText(words, x, y);
  context.fillText(words, x, y);
}

type Bar = NonNullable<ReturnType<typeof cellTexts>["bar"]>;

function drawBar(pen: Pen, bar: Bar, width: number, height: number, light: boolean): void {
  const { context, unit } = pen;
  const x = width - 22 * unit;
  const top = 44 * unit;
  const tall = height - 80 * unit;
  if (tall < 40 * unit) return;
  const table = colourTable(bar.map, bar.inverted);
  for (let row = 0; row < tall; row++) {
    const from = Math.round(255 * (1 - row / tall)) * 3;
    context.fillStyle = `rgb(${table[from]} ${table[from + 1]} ${table[from + 2]})`;
    context.fillRect(x, top + row, 10 * unit, 1.5);
  }
  context.strokeStyle = "#777";
  context.lineWidth = unit;
  context.strokeRect(x, top, 10 * unit, tall);
  context.textAlign = "right";
  write(pen, bar.high, x - 4 * unit, top - 2 * unit, light);
  write(pen, bar.low, x - 4 * unit, top + tall - 12 * unit, light);
}

function drawShape({ context, unit }: Pen, shape: Shape, factor: number, light: boolean): void {
  if (shape.kind === "handle") return;
  if (shape.kind === "label") {
    context.textAlign = shape.leftward ? "right" : "left";
    context.font = `${12 * unit}px ${context.font.slice(context.font.indexOf("px") + 3)}`;
    for (const [n, line] of shape.lines.entries()) {
      context.lineWidth = 3 * unit;
      context.strokeStyle = light ? "#fff" : "#000";
      context.fillStyle = light ? "#8f1b17" : "#ffd76a";
      const y = shape.y * factor + (n * 15 - 10) * unit;
      context.strokeText(line, shape.x * factor, y);
      context.fillText(line, shape.x * factor, y);
    }
    return;
  }
  for (const [colour, thickness] of [
    [light ? "rgb(255 255 255 / .7)" : "rgb(0 0 0 / .6)", 3.5],
    [light ? "#b3231f" : "#ffc233", 1.5],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = thickness * unit;
    context.beginPath();
    if (shape.kind === "ellipse") {
      const turn = (shape.degrees * Math.PI) / 180;
      context.ellipse(shape.x * factor, shape.y * factor, shape.rx * factor, shape.ry * factor, turn, 0, 2 * Math.PI);
    } else {
      context.moveTo(shape.x1 * factor, shape.y1 * factor);
      context.lineTo(shape.x2 * factor, shape.y2 * factor);
    }
    context.stroke();
  }
}

/** What a key image is called until someone names it. */
export function captionOf(engine: Engine, page: Page, stage: Stage, cellIndex: number | null): string {
  const cell = cellIndex === null ? null : stage.cells[cellIndex];
  if (!cell) return "";
  const texts = cellTexts(engine, cell.slot, page.t, page.language);
  return [texts.title, texts.position].filter(Boolean).join(" ");
}
