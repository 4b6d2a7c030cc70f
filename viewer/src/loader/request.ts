/** A request that failed: `status` is 0 when the server could not be reached. */
export class FetchError extends Error {
  constructor(
    readonly status: number,
    readonly url: string,
    /** What the server said, in the user's language; empty when it said nothing. */
    readonly sentence = "",
  ) {
    super(`${status || "no answer"} from ${url}`);
  }
}

/** What the loader needs of `fetch`; tests give their own. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Fetch that turns every failure but an abort into a FetchError. */
export async function request(fetcher: Fetch, url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetcher(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new FetchError(0, url);
  }
  if (!response.ok) throw new FetchError(response.status, url, await sentenceOf(response));
  // A session that ended sends the login page with status 200.
  if (response.redirected && response.headers.get("content-type")?.includes("text/html")) {
    throw new FetchError(401, url);
  }
  return response;
}

/** Refusals come as {"error": sentence}. */
async function sentenceOf(response: Response): Promise<string> {
  if (!response.headers.get("content-type")?.includes("json")) return "";
  try {
    const body: unknown = await response.json();
    const error = typeof body === "object" && body !== null && "error" in body ? body.error : null;
    return typeof error === "string" ? error : "";
  } catch {
    return "";
  }
}
