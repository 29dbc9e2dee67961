// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";
import { isUuid, randomUuid } from "../lib/uuid";
import { identityLink, loadIdentity, newIdentity, parseIdentity, saveIdentity } from "./identity";
import { hashOf, paddleHue, pseudonym } from "./pseudonym";

afterEach(() => localStorage.clear());

describe("an identity", () => {
  it("is created once and kept by the browser", () => {
    const first = loadIdentity();
    expect(isUuid(first.userId)).toBe(true);
    expect(loadIdentity()).toEqual(first);
  });

  it("keeps its id when its name changes, and has its pseudonym again when the name is empty", () => {
    const { userId } = loadIdentity();
    saveIdentity({ userId, name: "  Ada  " });
    expect(loadIdentity()).toEqual({ userId, name: "Ada" });
    saveIdentity({ userId, name: "   " });
    expect(loadIdentity()).toEqual({ userId, name: pseudonym(userId) });
  });

  it.each(["not json", "null", '{"userId": "not a uuid"}', '{"userId": 7}', "[]"])(
    "is created anew if %s was stored",
    (kept) => {
      localStorage.setItem("gavel.identity", kept);
      expect(isUuid(loadIdentity().userId)).toBe(true);
    },
  );

  it("is in its link for another device, which sends it to no server", () => {
    const identity = { ...newIdentity(), name: "Ada & Söhne #1" };
    const link = identityLink(identity);
    expect(link).toMatch(/^http:\/\/localhost(:\d+)?\/identity#/);
    expect(parseIdentity(link)).toEqual(identity);
    expect(parseIdentity(` ${identity.userId.toUpperCase()} `)).toEqual({
      userId: identity.userId,
      name: pseudonym(identity.userId),
    });
  });

  it.each(["", "Ada", "http://localhost/identity#id=1&name=Ada", "http://localhost/bidders"])(
    "is not in the text %j",
    (text) => expect(parseIdentity(text)).toBeNull(),
  );

  it("lasts as long as the page if the browser stores nothing", () => {
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("full");
    });
    expect(isUuid(loadIdentity().userId)).toBe(true);
  });
});

describe("ids and pseudonyms", () => {
  it("are random UUIDs of version 4", () => {
    const ids = Array.from({ length: 200 }, randomUuid);
    expect(new Set(ids).size).toBe(200);
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    );
  });

  it("are the same two words for one id everywhere", () => {
    const id = "00000000-0000-4000-8000-0000000000aa";
    expect(pseudonym(id)).toBe(pseudonym(id));
    expect(pseudonym(id)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/);
  });

  it("are evenly distributed, and so are hues", () => {
    const ids = Array.from({ length: 2_400 }, () => newIdentity().userId);
    const hues = new Array<number>(12).fill(0);
    for (const id of ids) {
      const sector = Math.floor(paddleHue(id) / 30);
      hues[sector] = (hues[sector] ?? 0) + 1;
    }
    expect(Math.min(...hues)).toBeGreaterThan(120);
    expect(new Set(ids.map(pseudonym)).size).toBeGreaterThan(1_500);
    // A collision among so many hashes of 32 bits is possible, six are not.
    expect(new Set(ids.map(hashOf)).size).toBeGreaterThan(2_394);
  });
});
