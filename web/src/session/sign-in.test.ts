// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { aTokenSession, signIn } from "../testing/token-session";
import { openSession } from "./open-session";
import { readPageConfig } from "./page-config";
import { beginSignIn } from "./sign-in";
import { keptToken, type TokenSession } from "./token-session";

const ISSUER = "https://login.test/";
const LOGIN = { issuer: ISSUER, clientId: "gavel-page", scope: "openid" };
const CONFIG = { isTrusted: false, login: LOGIN, currency: null, userId: "", apiUrl: location.origin };
const USER_ID = "00000000-0000-4000-8000-0000000000aa";
const HOUR_MS = 3_600_000;

function jwt(claims: object, header: object = { alg: "RS256" }): string {
  const parts = [JSON.stringify(header), JSON.stringify(claims), "signature"];
  return parts.map((part) => btoa(part).replace(/=+$/, "")).join(".");
}

const ACCESS_TOKEN = jwt({ sub: "ada", aud: "gavel" });

/** Respond to each URL by one of these, and with 404 to all others. */
function serve(answers: Record<string, (init?: RequestInit) => Response>): void {
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) =>
    (answers[url.replace(location.origin, "")] ?? (() => new Response("no", { status: 404 })))(init),
  );
}

/** A conforming OpenID provider, and a Gavel that accepts its access token. A test makes one thing differ. */
class Installation {
  metadata: object = {
    issuer: ISSUER,
    authorization_endpoint: "https://login.test/authorize?x=1",
    token_endpoint: "https://login.test/token",
  };
  idClaims: object = {};
  tokens: object = {};
  /** The error that the token endpoint responds with. */
  refusal: object | undefined;
  /** What was posted to the token endpoint. */
  readonly posted: URLSearchParams[] = [];
  /** The credentials that Gavel was sent. */
  readonly credentials: (string | null)[] = [];
  /** The parameters of the page's authorization request. */
  asked = new URLSearchParams();

  constructor() {
    serve({
      "https://login.test/.well-known/openid-configuration": () => Response.json(this.metadata),
      "https://login.test/token": (init) => {
        this.posted.push(new URLSearchParams(String(init?.body)));
        if (this.refusal) {
          return Response.json(this.refusal, { status: 400 });
        }
        return Response.json({ ...this.#ownTokens(), ...this.tokens });
      },
      "/page.json": (init) => {
        const sent = new Headers(init?.headers).get("Authorization");
        this.credentials.push(sent);
        return Response.json({ auth_mode: "jwt", ...(sent === `Bearer ${ACCESS_TOKEN}` ? { user_id: USER_ID } : {}) });
      },
    });
  }

  #ownTokens(): object {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: ISSUER, sub: "ada", aud: "gavel-page", iat: now, exp: now + 300, name: "Ada" };
    return {
      access_token: ACCESS_TOKEN,
      token_type: "Bearer",
      expires_in: 60,
      id_token: jwt({ ...claims, nonce: this.asked.get("nonce"), ...this.idClaims }),
    };
  }

  /** Begin to sign in. Returns the URL that the page redirects to. */
  async begin(login = LOGIN): Promise<URL> {
    let sentTo = "";
    await beginSignIn(login, (url) => {
      sentTo = url;
    });
    const url = new URL(sentTo);
    this.asked = url.searchParams;
    return url;
  }

  /** Return from the provider with its answer, and open the page. */
  async returnWith(answer: Record<string, string> = {}, login = LOGIN): Promise<TokenSession> {
    const parameters = new URLSearchParams({ code: "abc", state: this.asked.get("state") ?? "", ...answer });
    history.replaceState(null, "", `/signed-in?${parameters}`);
    return (await openSession({ ...CONFIG, login })) as TokenSession;
  }

  async signIn(answer: Record<string, string> = {}, login = LOGIN): Promise<TokenSession> {
    await this.begin(login);
    return this.returnWith(answer, login);
  }
}

function expectSignedOut(session: TokenSession, problem?: string): void {
  expect(session.identity().userId).toBe("");
  expect(session.authorization()).toBeNull();
  const { kind } = session.state().problem ?? {};
  problem ? expect(kind).toBe(problem) : expect(kind).toBeDefined();
  expect(location.search).toBe("");
}

beforeEach(async () => {
  // jsdom has an ArrayBuffer of its own, which that of Node's WebCrypto is no instance of.
  vi.stubGlobal("ArrayBuffer", (await crypto.subtle.digest("SHA-256", new Uint8Array())).constructor);
  history.replaceState(null, "", "/items/1");
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  sessionStorage.clear();
  localStorage.clear();
});

describe("signing in", () => {
  it("redirects to the provider with PKCE, state and nonce, and returns to the same page", async () => {
    const installation = new Installation();
    const url = await installation.begin();
    expect(url.origin + url.pathname).toBe("https://login.test/authorize");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      x: "1",
      response_type: "code",
      client_id: "gavel-page",
      redirect_uri: `${location.origin}/signed-in`,
      scope: "openid",
      code_challenge_method: "S256",
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
    });

    const session = await installation.returnWith();
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Ada" });
    expect(session.authorization()).toBe(`Bearer ${ACCESS_TOKEN}`);
    expect(session.state().problem).toBeNull();
    expect(location.pathname).toBe("/items/1");
    const verifier = installation.posted[0]?.get("code_verifier") ?? "";
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const challenge = btoa(String.fromCharCode(...hash))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "");
    expect(url.searchParams.get("code_challenge")).toBe(challenge);
  });

  it.each([
    ["another state", { state: "another" }],
    ["another issuer (RFC 9207)", { iss: "https://attacker.test/" }],
    ["an error of the provider", { error: "access_denied" }],
  ])("sends no code that came with %s", async (_, answer) => {
    const installation = new Installation();
    expectSignedOut(await installation.signIn(answer));
    expect(installation.posted).toEqual([]);
  });

  it("sends no code without the issuer if the provider announces that it names it", async () => {
    const installation = new Installation();
    installation.metadata = { ...installation.metadata, authorization_response_iss_parameter_supported: true };
    expectSignedOut(await installation.signIn());
    expect(installation.posted).toEqual([]);
    expect((await installation.signIn({ iss: ISSUER })).identity().userId).toBe(USER_ID);
  });

  it("sends no code and no request at all if this tab began no sign-in", async () => {
    const fetched: string[] = [];
    vi.stubGlobal("fetch", async (url: string) => {
      fetched.push(url);
      return Response.json({});
    });
    history.replaceState(null, "", "/signed-in?code=abc&state=one");
    expectSignedOut((await openSession(CONFIG)) as TokenSession);
    expect(fetched).toEqual([]);
  });

  it("does not redirect if the discovery document is that of another issuer", async () => {
    const installation = new Installation();
    installation.metadata = { ...installation.metadata, issuer: "https://attacker.test/" };
    const go = vi.fn();
    await expect(beginSignIn(LOGIN, go)).rejects.toThrow(/issuer/);
    expect(go).not.toHaveBeenCalled();
  });

  it.each([
    ["of another nonce", { nonce: "another" }],
    ["without a nonce", { nonce: undefined }],
    ["of another issuer", { iss: "https://attacker.test/" }],
    ["for another client", { aud: "another-page" }],
  ])("refuses an ID token %s", async (_, idClaims) => {
    const installation = new Installation();
    installation.idClaims = idClaims;
    expectSignedOut(await installation.signIn());
    expect(installation.credentials).toEqual([]);
  });

  it.each([
    ["is missing", undefined],
    ["is not a JWT", "opaque"],
  ])("never sends the ID token to Gavel, even where the access token %s", async (_, access_token) => {
    const installation = new Installation();
    installation.tokens = { access_token };
    expectSignedOut(await installation.signIn());
    expect(installation.credentials).toEqual(access_token ? [`Bearer ${access_token}`] : []);
  });

  it("needs an ID token exactly if the scope asks for OpenID Connect", async () => {
    const installation = new Installation();
    installation.tokens = { id_token: undefined };
    expectSignedOut(await installation.signIn());
    const login = { ...LOGIN, scope: "bid" };
    const session = await installation.signIn({}, login);
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Signed in" });
    expect(installation.asked.has("nonce")).toBe(false);
  });

  it.each([-6 * HOUR_MS, 6 * HOUR_MS])("succeeds on a machine whose clock is off by %d ms", async (offMs) => {
    const installation = new Installation();
    const now = Math.floor(Date.now() / 1000);
    installation.idClaims = { iat: now, nbf: now, exp: now + 300 };
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + offMs });
    expect((await installation.signIn()).identity().userId).toBe(USER_ID);
  });

  it("has expired if Gavel rejects the token that the browser kept", async () => {
    new Installation();
    signIn(aTokenSession(), USER_ID, { text: "rejected" });
    const session = (await openSession(CONFIG)) as TokenSession;
    expectSignedOut(session, "expired");
    expect(keptToken()).toBeNull();
  });

  it("is renewed when the page opens after the token has ended", async () => {
    const installation = new Installation();
    const kept = { text: "ended", name: "Ada", endsAtMs: 1, refreshToken: "r1", userId: USER_ID };
    localStorage.setItem("gavel.token", JSON.stringify(kept));
    const session = (await openSession(CONFIG)) as TokenSession;
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Ada" });
    expect(session.authorization()).toBe(`Bearer ${ACCESS_TOKEN}`);
    expect(installation.posted.map((each) => each.get("refresh_token"))).toEqual(["r1"]);
    expect(installation.credentials).toEqual([`Bearer ${ACCESS_TOKEN}`]);
  });

  it("ends when the token expires", async () => {
    const session = aTokenSession();
    signIn(session, USER_ID);
    expect(keptToken()?.text).toBe("one");
    signIn(session, USER_ID, { endsInMs: -1 });
    expect(session.authorization()).toBeNull();
    expectSignedOut(session, "expired");
    expect(keptToken()).toBeNull();
  });
});

/** A provider to which no connection can be made. */
function noConnection(): never {
  throw new TypeError("Failed to fetch");
}

describe("a sign-in that can't work", () => {
  async function problemOfSignIn(login: typeof LOGIN | null = LOGIN) {
    const session = (await openSession({ ...CONFIG, login })) as TokenSession;
    session.signIn();
    await vi.waitFor(() => expect(session.state().problem).not.toBeNull());
    return session.state().problem;
  }

  it("says that the provider can't be reached", async () => {
    serve({ "https://login.test/.well-known/openid-configuration": noConnection });
    expect(await problemOfSignIn()).toEqual({ kind: "unreachable", detail: "https://login.test" });
  });

  it("says which address the page's policy blocks", async () => {
    serve({
      "https://login.test/.well-known/openid-configuration": () => {
        const report = Object.assign(new Event("securitypolicyviolation"), { blockedURI: "https://login.test/x" });
        setTimeout(() => document.dispatchEvent(report));
        return noConnection();
      },
    });
    expect(await problemOfSignIn()).toEqual({ kind: "blocked", detail: "https://login.test" });
  });

  it("says that it needs HTTPS, without which browsers have no cryptography", async () => {
    new Installation();
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    expect(await problemOfSignIn()).toEqual({ kind: "insecure", detail: "" });
  });

  it("says that the browser blocks storage", async () => {
    new Installation();
    vi.spyOn(Storage.prototype, "removeItem").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    expect(await problemOfSignIn()).toEqual({ kind: "storage", detail: "" });
  });

  it("says that the installation names no provider", async () => {
    expect(await problemOfSignIn(null)).toEqual({ kind: "not-offered", detail: "" });
  });

  it.each([
    ["in its answer", { error: "access_denied", error_description: "Not a member" }, undefined],
    ["in place of a token", {}, { error: "invalid_grant", error_description: "Not a member" }],
  ])("says why the provider refused %s", async (_, answer, refusal) => {
    const installation = new Installation();
    installation.refusal = refusal;
    const session = await installation.signIn(answer as Record<string, string>);
    expectSignedOut(session, "refused");
    expect(session.state().problem?.detail).toBe("Not a member");
    expect(location.pathname).toBe("/items/1");
  });

  it("says that Gavel does not accept the provider's token", async () => {
    const installation = new Installation();
    installation.tokens = { access_token: "opaque" };
    expectSignedOut(await installation.signIn(), "rejected");
  });

  it("keeps a token that is still valid", async () => {
    const installation = new Installation();
    await installation.signIn();
    const session = await installation.signIn({ error: "access_denied" });
    expect(session.state()).toMatchObject({ isSignedIn: true, problem: { kind: "refused", detail: "access_denied" } });
    expect(session.authorization()).toBe(`Bearer ${ACCESS_TOKEN}`);
  });
});

describe("the configuration in page.json", () => {
  it("is trusted mode if there is none or it can't be read", async () => {
    const trusted = { isTrusted: true, login: null, currency: null, userId: "", apiUrl: location.origin };
    serve({});
    expect(await readPageConfig()).toEqual(trusted);
    serve({ "/page.json": () => new Response("<html>", { headers: { "Content-Type": "text/html" } }) });
    expect(await readPageConfig()).toEqual(trusted);
    serve({ "/page.json": () => Response.json({ auth_mode: "jwt" }) });
    expect(await readPageConfig()).toEqual({ ...trusted, isTrusted: false });
  });

  it("has a login and a currency", async () => {
    const login = { issuer: "https://login.test", client_id: "page" };
    serve({ "/page.json": () => Response.json({ auth_mode: "jwt", currency: "EUR", login }) });
    expect(await readPageConfig()).toEqual({
      isTrusted: false,
      login: { issuer: "https://login.test", clientId: "page", scope: "openid profile" },
      currency: "EUR",
      userId: "",
      apiUrl: location.origin,
    });
  });

  it("is read from the API if the page names its origin", async () => {
    const requested: string[] = [];
    vi.stubGlobal("fetch", async (url: string) => {
      requested.push(url);
      return Response.json(
        url.startsWith("https://api.test")
          ? { currency: "EUR", api_url: "https://no.test" }
          : { api_url: "https://api.test/" },
      );
    });
    expect(await readPageConfig()).toMatchObject({ currency: "EUR", apiUrl: "https://api.test" });
    expect(requested).toEqual([`${location.origin}/page.json`, "https://api.test/page.json"]);
  });
});
