import { type Fetch, request } from "../loader/request";

/** Posts to the server with the page's CSRF token. */
export class ServerPost {
  constructor(
    private readonly fetcher: Fetch,
    private readonly csrfToken: () => string,
    private readonly signal: AbortSignal,
  ) {}

  async json(url: string, body: unknown): Promise<unknown> {
    const response = await this.send(url, JSON.stringify(body), { "Content-Type": "application/json" });
    return response.json();
  }

  async form(url: string, body: FormData): Promise<unknown> {
    const response = await this.send(url, body, {});
    return response.status === 204 ? null : response.json();
  }

  private send(url: string, body: BodyInit, headers: Record<string, string>): Promise<Response> {
    return request(this.fetcher, url, {
      method: "POST",
      body,
      headers: { ...headers, Accept: "application/json", "X-CSRFToken": this.csrfToken() },
      signal: this.signal,
    });
  }
}
