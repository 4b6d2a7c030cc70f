import type { Fetch } from "../src/loader/request";

type Answer = Response | Error | (() => Response | Error | Promise<Response>);

/** A server that answers each address with what it was told, one answer after the other; the last one is repeated. */
export class FakeServer {
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  private readonly answers = new Map<string, Answer[]>();

  on(url: string, ...answers: Answer[]): this {
    this.answers.set(url, answers);
    return this;
  }

  json(url: string, value: unknown): this {
    return this.on(url, () => Response.json(value));
  }

  voxels(url: string, values: Int16Array<ArrayBuffer>): this {
    return this.on(url, () => new Response(values.slice()));
  }

  readonly fetch: Fetch = async (url, init) => {
    this.asked.push(url);
    if (init?.body !== undefined) this.bodies.push(init.body);
    init?.signal?.throwIfAborted();
    const list = this.answers.get(url) ?? [new Response("", { status: 404 })];
    const answer = list.length > 1 ? list.shift()! : list[0]!;
    const result = typeof answer === "function" ? await answer() : answer;
    if (result instanceof Error) throw result;
    return result;
  };

  times(url: string): number {
    return this.asked.filter((asked) => asked === url).length;
  }
}
