import type { Engine } from "../engine/engine";
import type { Language, Translate } from "./words";

/** A button on a notice. */
export interface NoticeAction {
  readonly word: string;
  act(): void;
}

/** What every panel is given. */
export interface Page {
  readonly engine: Engine;
  readonly t: Translate;
  readonly language: Language;
  /** A short notice at the bottom. */
  notify(text: string, tone: "ok" | "info" | "red", action?: NoticeAction): void;
  keepKeyImage(): void;
}
