// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openSession } from "./open-session";
import { readPageConfig } from "./page-config";
import { keptToken, TokenSession } from "./session";
import { beginSignIn } from "./sign-in";

const LOGIN = { issuer: "https://login.test/", clientId: "gavel-page", scope: "openid" };
const USER_ID = "00000000-0000-4000-8000-0000000000aa";

function tokenOf(claims: object): string {
  return ["{}", JSON.stringify(claims), "signature"].map((part) => btoa(part)).join(".");
}

/** A provider and an installation, by what they answer; notes what was posted to the token endpoint. */
function serve(answers: Record<string, () => Response>) {
  const posted: URLSearchParams[] = [];
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    if (init?.body instanceof URLSearchParams) {
      posted.push(init.body);
    }
    return (answers[url.replace(location.origin, "")] ?? (() => new Response("no", { status: 404 })))();
  });
  return posted;
}

const DISCOVERY = "https://login.test/.well-known/openid-configuration";
const provider = {
  [DISCOVERY]: () =>
    Response.json({
      authorization_endpoint: "https://login.test/authorize?x=1",
      token_endpoint: "https://login.test/token",
    }),
  "https://login.test/token": () => Response.json({ access_token: tokenOf({ name: "Ada" }), expires_in: 60 }),
  "/page.json": () => Response.json({ auth_mode: "jwt", user_id: USER_ID }),
};

beforeEach(() => history.replaceState(null, "", "/items/1"));
afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
});

async function begin(): Promise<URL> {
  let sentTo = "";
  await beginSignIn(LOGIN, (url) => {
    sentTo = url;
  });
  return new URL(sentTo);
}

const JWT = { login: LOGIN, currency: null, userId: "", apiUrl: location.origin };

describe("signing in", () => {
  it("sends people to the provider with a challenge and a state, and takes them back where they were", async () => {
    const posted = serve(provider);
    const url = await begin();
    expect(url.origin + url.pathname).toBe("https://login.test/authorize");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      x: "1",
      response_type: "code",
      client_id: "gavel-page",
      redirect_uri: `${location.origin}/signed-in`,
      code_challenge_method: "S256",
    });

    history.replaceState(null, "", `/signed-in?code=abc&state=${url.searchParams.get("state")}`);
    const session = await openSession(JWT);
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Ada" });
    expect(session.authorization()).toBe(`Bearer ${tokenOf({ name: "Ada" })}`);
    expect(location.pathname).toBe("/items/1");
    const verifier = posted[0]?.get("code_verifier") ?? "";
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const challenge = btoa(String.fromCharCode(...hash))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "");
    expect(url.searchParams.get("code_challenge")).toBe(challenge);
  });

  it("takes no code that is not the answer to its own question", async () => {
    const posted = serve(provider);
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await begin();
    history.replaceState(null, "", "/signed-in?code=abc&state=another");
    const session = await openSession(JWT);
    expect(session.identity().userId).toBe("");
    expect(posted).toEqual([]);
    expect(location.search).toBe("");
  });

  it("signs out when the token has ended", async () => {
    serve(provider);
    const session = new TokenSession(() => undefined);
    session.accept({ text: "t", name: "Ada", endsAtMs: Date.now() + 60_000 }, USER_ID);
    expect(keptToken()?.text).toBe("t");
    session.accept({ text: "t", name: "Ada", endsAtMs: Date.now() - 1 }, USER_ID);
    expect(session.authorization()).toBeNull();
    expect(session.identity().userId).toBe("");
    expect(keptToken()).toBeNull();
  });
});

describe("what the installation says of itself", () => {
  it("is trusted mode where it says nothing, or nothing that can be read", async () => {
    const trusted = { login: null, currency: null, userId: "", apiUrl: location.origin };
    serve({});
    expect(await readPageConfig()).toEqual(trusted);
    serve({ "/page.json": () => new Response("<html>", { headers: { "Content-Type": "text/html" } }) });
    expect(await readPageConfig()).toEqual(trusted);
    serve({ "/page.json": () => Response.json({ auth_mode: "jwt" }) });
    expect(await readPageConfig()).toEqual(trusted);
  });

  it("is a login and a currency where it says so", async () => {
    const login = { issuer: "https://login.test", client_id: "page" };
    serve({ "/page.json": () => Response.json({ auth_mode: "jwt", currency: "EUR", login }) });
    expect(await readPageConfig()).toEqual({
      login: { issuer: "https://login.test", clientId: "page", scope: "openid profile" },
      currency: "EUR",
      userId: "",
      apiUrl: location.origin,
    });
  });

  it("is what the API says where the page names another place for it", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (url: string) => {
      asked.push(url);
      return Response.json(
        url.startsWith("https://api.test")
          ? { currency: "EUR", api_url: "https://no.test" }
          : { api_url: "https://api.test/" },
      );
    });
    expect(await readPageConfig()).toMatchObject({ currency: "EUR", apiUrl: "https://api.test" });
    expect(asked).toEqual([`${location.origin}/page.json`, "https://api.test/page.json"]);
  });
});
