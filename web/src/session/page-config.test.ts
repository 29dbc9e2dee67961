import { afterEach, describe, expect, it, vi } from "vitest";
import { readPageConfig } from "./page-config";

const ORIGIN = "https://gavel.example";
const JWT = { auth_mode: "jwt", currency: "EUR", login: { issuer: "https://id.example", client_id: "page" } };

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
}

/** Respond to one request after the other by these. Returns the requested URLs. */
function respondWith(...responses: (() => Response)[]): string[] {
  const requested: string[] = [];
  vi.stubGlobal("location", { origin: ORIGIN });
  vi.stubGlobal("fetch", async (url: string) => {
    requested.push(url);
    const response = responses[Math.min(requested.length, responses.length) - 1];
    return response?.();
  });
  vi.spyOn(Math, "random").mockReturnValue(0);
  return requested;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("the configuration of the installation", () => {
  it("is requested until the server responds: no response does not mean trusted mode", async () => {
    const lost = (): Response => {
      throw new TypeError("no network");
    };
    const requested = respondWith(
      () => json({}, 503),
      lost,
      () => json(JWT),
    );
    const onRetry = vi.fn();
    expect(await readPageConfig(null, { onRetry })).toMatchObject({ currency: "EUR", login: { clientId: "page" } });
    expect([requested.length, onRetry.mock.calls.length]).toEqual([3, 2]);
  });

  it("is that of trusted mode if none is served, or an HTML page in its place", async () => {
    respondWith(() => new Response("", { status: 404 }));
    expect(await readPageConfig()).toEqual({
      isTrusted: true,
      login: null,
      currency: null,
      userId: "",
      apiUrl: ORIGIN,
    });
    respondWith(() => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } }));
    expect(await readPageConfig()).toEqual({
      isTrusted: true,
      login: null,
      currency: null,
      userId: "",
      apiUrl: ORIGIN,
    });
  });

  it("is that of the API if the page is served by another origin", async () => {
    const requested = respondWith(
      () => json({ api_url: "https://api.example/" }),
      () => json(JWT),
    );
    expect((await readPageConfig()).apiUrl).toBe("https://api.example");
    expect(requested).toEqual([`${ORIGIN}/page.json`, "https://api.example/page.json"]);
  });
});
