// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Token } from "./sign-in";
import { SignInFault } from "./sign-in-fault";
import { keptToken, TokenSession, WARN_MS_BEFORE } from "./token-session";

const USER_ID = "00000000-0000-4000-8000-0000000000aa";
const HOUR_MS = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  localStorage.clear();
});

function aToken(text: string, refreshToken?: string): Token {
  return { text, name: "Ada", endsAtMs: Date.now() + HOUR_MS, refreshToken };
}

/** A session whose provider renews by these, in turn. */
function renewedBy(...renewals: (() => Promise<Token>)[]) {
  const renew = vi.fn(() => renewals[Math.min(renew.mock.calls.length, renewals.length) - 1]?.() ?? Promise.reject());
  return { session: new TokenSession({ begin: async () => undefined, renew }), renew };
}

/** Do what the browser does when another tab has stored or removed the token. */
function otherTabStores(token: (Token & { userId: string }) | null): void {
  token ? localStorage.setItem("gavel.token", JSON.stringify(token)) : localStorage.removeItem("gavel.token");
  window.dispatchEvent(new StorageEvent("storage", { key: "gavel.token" }));
}

describe("a token that ends soon", () => {
  it("is renewed before the page would warn, again and again", async () => {
    const { session } = renewedBy(
      async () => aToken("second", "r2"),
      async () => aToken("third", "r3"),
    );
    session.accept(aToken("first", "r1"), USER_ID);
    for (const text of ["second", "third"]) {
      await vi.advanceTimersByTimeAsync(HOUR_MS - WARN_MS_BEFORE - 1);
      expect(session.authorization()).toBe(`Bearer ${text}`);
      expect(session.state()).toEqual({ isSignedIn: true, endsAtMs: null, problem: null });
    }
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Ada" });
    expect(keptToken()).toMatchObject({ text: "third", refreshToken: "r3" });
  });

  it("is announced two minutes before, if the provider gave no refresh token", async () => {
    const { session, renew } = renewedBy();
    session.accept(aToken("only"), USER_ID);
    const endsAtMs = Date.now() + HOUR_MS;
    await vi.advanceTimersByTimeAsync(HOUR_MS - WARN_MS_BEFORE - 1);
    expect(session.state().endsAtMs).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(session.state()).toEqual({ isSignedIn: true, endsAtMs, problem: null });
    await vi.advanceTimersByTimeAsync(WARN_MS_BEFORE);
    expect(session.state()).toEqual({ isSignedIn: false, endsAtMs: null, problem: { kind: "expired", detail: "" } });
    expect(renew).not.toHaveBeenCalled();
  });

  it("is announced if the provider refuses to renew it, and tried again if it does not respond", async () => {
    const refusing = renewedBy(() => Promise.reject(new SignInFault("refused", "invalid_grant")));
    refusing.session.accept(aToken("first", "r1"), USER_ID);
    await vi.advanceTimersByTimeAsync(HOUR_MS - WARN_MS_BEFORE);
    expect(refusing.session.state()).toMatchObject({ isSignedIn: true, problem: null });
    expect(refusing.session.state().endsAtMs).not.toBeNull();
    expect(refusing.renew).toHaveBeenCalledTimes(1);

    const away = renewedBy(
      () => Promise.reject(new SignInFault("unreachable", "https://login.test")),
      async () => aToken("second", "r2"),
    );
    away.session.accept(aToken("first", "r1"), USER_ID);
    await vi.advanceTimersByTimeAsync(HOUR_MS - WARN_MS_BEFORE);
    expect(away.session.authorization()).toBe("Bearer second");
  });

  it("is renewed after it has ended while the machine slept", async () => {
    const { session } = renewedBy(async () => aToken("second", "r2"));
    session.accept(aToken("first", "r1"), USER_ID);
    // The date moves on, and timers do not.
    vi.setSystemTime(Date.now() + 2 * HOUR_MS);
    expect(session.authorization()).toBeNull();
    await vi.advanceTimersByTimeAsync(0);
    expect(session.authorization()).toBe("Bearer second");
    expect(session.state()).toEqual({ isSignedIn: true, endsAtMs: null, problem: null });
  });

  it("is kept until the provider responds, if the network comes back after the machine", async () => {
    const { session, renew } = renewedBy(
      () => Promise.reject(new SignInFault("unreachable", "https://login.test")),
      async () => aToken("second", "r2"),
    );
    session.accept(aToken("first", "r1"), USER_ID);
    vi.setSystemTime(Date.now() + 2 * HOUR_MS);
    expect(session.authorization()).toBeNull();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(session.authorization()).toBeNull();
    expect(session.state()).toMatchObject({ isSignedIn: true, problem: { kind: "unreachable" } });
    expect(keptToken()).toMatchObject({ refreshToken: "r1" });
    expect(renew).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(session.authorization()).toBe("Bearer second");
    expect(session.state()).toEqual({ isSignedIn: true, endsAtMs: null, problem: null });
  });

  it("expires if the provider refuses once it responds", async () => {
    const { session } = renewedBy(
      () => Promise.reject(new SignInFault("unreachable", "https://login.test")),
      () => Promise.reject(new SignInFault("refused", "invalid_grant")),
    );
    session.accept(aToken("first", "r1"), USER_ID);
    vi.setSystemTime(Date.now() + 2 * HOUR_MS);
    expect(session.authorization()).toBeNull();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(session.state()).toEqual({ isSignedIn: false, endsAtMs: null, problem: { kind: "expired", detail: "" } });
    expect(localStorage).toHaveLength(0);
  });

  it("is not brought back by a renewal that ends after signing out", async () => {
    const slow = { deliver: (_: Token) => undefined as unknown };
    const { session } = renewedBy(() => new Promise((deliver) => (slow.deliver = deliver)));
    session.accept(aToken("first", "r1"), USER_ID);
    await vi.advanceTimersByTimeAsync(HOUR_MS - WARN_MS_BEFORE - 1);
    session.signOut();
    slow.deliver(aToken("second", "r2"));
    await vi.advanceTimersByTimeAsync(0);
    expect(session.state()).toEqual({ isSignedIn: false, endsAtMs: null, problem: null });
    expect(keptToken()).toBeNull();
  });
});

describe("a token that ended while the page was closed", () => {
  function keepEnded(): void {
    localStorage.setItem("gavel.token", JSON.stringify({ ...aToken("first", "r1"), endsAtMs: 1, userId: USER_ID }));
  }

  it("is renewed before the page opens", async () => {
    keepEnded();
    const { session } = renewedBy(async () => aToken("second", "r2"));
    expect(await session.resume()).toMatchObject({ text: "second", refreshToken: "r2", userId: USER_ID });
    expect(session.authorization()).toBe("Bearer second");
  });

  it("leaves nothing behind if the provider refuses to renew it", async () => {
    keepEnded();
    const { session } = renewedBy(() => Promise.reject(new SignInFault("refused", "invalid_grant")));
    expect(await session.resume()).toBeNull();
    expect(session.state()).toEqual({ isSignedIn: false, endsAtMs: null, problem: { kind: "expired", detail: "" } });
    expect(localStorage).toHaveLength(0);
  });

  it("is renewed later if the provider does not respond soon", async () => {
    keepEnded();
    const slow = { deliver: (_: Token) => undefined as unknown };
    const { session } = renewedBy(() => new Promise((deliver) => (slow.deliver = deliver)));
    const resumed = session.resume();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(await resumed).toBeNull();
    expect(session.state()).toEqual({ isSignedIn: true, endsAtMs: null, problem: null });
    expect(session.authorization()).toBeNull();
    slow.deliver(aToken("second", "r2"));
    await vi.advanceTimersByTimeAsync(0);
    expect(session.authorization()).toBe("Bearer second");
  });
});

describe("every tab", () => {
  it("is signed in and out as another one is", () => {
    const { session } = renewedBy();
    otherTabStores({ ...aToken("other"), userId: USER_ID });
    expect(session.identity()).toEqual({ userId: USER_ID, name: "Ada" });
    expect(session.authorization()).toBe("Bearer other");
    otherTabStores(null);
    expect(session.state()).toEqual({ isSignedIn: false, endsAtMs: null, problem: null });
  });

  it("uses the token that another one has renewed, if the server rejects its own", () => {
    const { session } = renewedBy();
    session.accept(aToken("first"), USER_ID);
    localStorage.setItem("gavel.token", JSON.stringify({ ...aToken("second"), userId: USER_ID }));
    session.rejected("Bearer first");
    expect(session.authorization()).toBe("Bearer second");
    session.rejected("Bearer second");
    expect(session.state().problem?.kind).toBe("expired");
    expect(keptToken()).toBeNull();
  });
});
