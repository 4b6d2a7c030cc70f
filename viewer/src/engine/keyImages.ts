import { Fields } from "../core/fields";
import { Signal } from "../core/signal";
import { type Fetch, request } from "../loader/request";
import type { ServerPost } from "./serverPost";

export interface KeyImage {
  readonly id: string;
  readonly thumbnailUrl: string;
  readonly caption: string;
  readonly viewState: unknown;
}

/** The pictures kept for the report, as the server holds them. */
export class KeyImages {
  readonly changed = new Signal();
  list: readonly KeyImage[] = [];

  constructor(
    private readonly fetcher: Fetch,
    private readonly post: ServerPost,
    private readonly signal: AbortSignal,
    private readonly url: () => string,
  ) {}

  async refresh(): Promise<void> {
    if (!this.url()) return;
    const response = await request(this.fetcher, this.url(), {
      signal: this.signal,
      headers: { Accept: "application/json" },
    });
    const json: unknown = await response.json();
    const items = Array.isArray(json) ? json : new Fields(json, "key images").list("key_images");
    this.list = items.map((item) => parse(new Fields(item, "key image")));
    this.changed.send();
  }

  async add(image: Blob, caption: string, viewState: unknown, measurement: unknown): Promise<void> {
    const form = new FormData();
    form.set("image", image, "view.png");
    form.set("caption", caption);
    form.set("view_state", JSON.stringify(viewState));
    form.set("measurement", JSON.stringify(measurement));
    const answer = new Fields(await this.post.form(this.url(), form), "key image");
    const added = { id: answer.text("id"), thumbnailUrl: answer.text("thumbnail_url", ""), caption, viewState };
    this.list = [...this.list, added];
    this.changed.send();
  }

  async remove(id: string): Promise<void> {
    await this.post.form(`${this.url()}${encodeURIComponent(id)}/remove`, new FormData());
    this.list = this.list.filter((image) => image.id !== id);
    this.changed.send();
  }
}

function parse(image: Fields): KeyImage {
  const stored = image.raw("view_state");
  let viewState: unknown = stored ?? null;
  if (typeof stored === "string") {
    try {
      viewState = JSON.parse(stored);
    } catch {
      viewState = null;
    }
  }
  return {
    id: image.text("id"),
    thumbnailUrl: image.text("thumbnail_url", ""),
    caption: image.text("caption", ""),
    viewState,
  };
}
