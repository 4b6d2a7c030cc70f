import { Fields } from "../core/fields";
import { Signal } from "../core/signal";
import { type Fetch, request } from "../loader/request";
import type { ServerPost } from "./serverPost";

export interface KeyImage {
  readonly id: string;
  readonly thumbnailUrl: string;
  readonly caption: string;
  readonly removeUrl: string;
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
    const items = Array.isArray(json) ? json : new Fields(json, "key images").list("images");
    this.list = items.map((item) => parse(new Fields(item, "key image"), this.url()));
    this.changed.send();
  }

  async add(image: Blob, caption: string, viewState: unknown, measurement: unknown): Promise<void> {
    const form = new FormData();
    form.set("image", image, "view.png");
    form.set("caption", caption);
    form.set("view_state", JSON.stringify(viewState));
    form.set("measurement", JSON.stringify(measurement));
    const answer = parse(new Fields(await this.post.form(this.url(), form), "key image"), this.url());
    this.list = [...this.list, { ...answer, caption: answer.caption || caption, viewState }];
    this.changed.send();
  }

  /** Takes an image out of the tray; returns the way to put it back. */
  async remove(image: KeyImage): Promise<() => Promise<void>> {
    await this.post.form(image.removeUrl, new FormData());
    const before = this.list;
    this.list = before.filter(({ id }) => id !== image.id);
    this.changed.send();
    return async () => {
      await this.post.form(image.removeUrl.replace(/remove(\/?)$/, "restore$1"), new FormData());
      await this.refresh();
    };
  }
}

function parse(image: Fields, listUrl: string): KeyImage {
  const stored = image.raw("view_state");
  let viewState: unknown = stored ?? null;
  if (typeof stored === "string") {
    try {
      viewState = JSON.parse(stored);
    } catch {
      viewState = null;
    }
  }
  const id = image.text("id");
  return {
    id,
    removeUrl: image.text("remove_url", `${listUrl}${encodeURIComponent(id)}/remove`),
    thumbnailUrl: image.text("thumbnail_url", ""),
    caption: image.text("caption", ""),
    viewState,
  };
}
