import type { Engine } from "../engine/engine";
import type { Language, Translate } from "./words";

/** What every panel is given. */
export interface Page {
  readonly engine: Engine;
  readonly t: Translate;
  readonly language: Language;
  /** A short notice at the bottom. */
  notify(text: string, tone: "ok" | "info" | "red"): void;
  keepKeyImage(): void;
}
