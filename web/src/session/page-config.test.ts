import { afterEach, describe, expect, it, vi } from "vitest";
import { readPageConfig } from "./page-config";

const ORIGIN = "https://gavel.example";
const JWT = { auth_mode: "jwt", currency: "EUR", login: { issuer: "https://id.example", client_id: "page" } };

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
}

/** A network that answers one call after the other by these. */
function answering(...answers: (() => Response)[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("location", { origin: ORIGIN });
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    const answer = answers[Math.min(asked.length, answers.length) - 1];
    return answer?.();
  });
  vi.spyOn(Math, "random").mockReturnValue(0);
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("what the page is told of its installation", () => {
  it("is asked for until there is an answer: one that is away is not a trusted one", async () => {
    const lost = (): Response => {
      throw new TypeError("no network");
    };
    const asked = answering(
      () => json({}, 503),
      lost,
      () => json(JWT),
    );
    const onAway = vi.fn();
    expect(await readPageConfig(null, { onAway })).toMatchObject({ currency: "EUR", login: { clientId: "page" } });
    expect([asked.length, onAway.mock.calls.length]).toEqual([3, 2]);
  });

  it("is that of a trusted one where none is served, or the page itself in its place", async () => {
    answering(() => new Response("", { status: 404 }));
    expect(await readPageConfig()).toEqual({ login: null, currency: null, userId: "", apiUrl: ORIGIN });
    answering(() => new Response("<!doctype html>", { headers: { "Content-Type": "text/html" } }));
    expect(await readPageConfig()).toEqual({ login: null, currency: null, userId: "", apiUrl: ORIGIN });
  });

  it("is the API's where the page is served apart from it", async () => {
    const asked = answering(
      () => json({ api_url: "https://api.example/" }),
      () => json(JWT),
    );
    expect((await readPageConfig()).apiUrl).toBe("https://api.example");
    expect(asked).toEqual([`${ORIGIN}/page.json`, "https://api.example/page.json"]);
  });
});
