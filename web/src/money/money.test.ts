import { describe, expect, it } from "vitest";
import { AMOUNT_MAX, currencySign, formatMoney, majorText, parseMoney } from "./money";

describe("an amount is shown in major units of its currency", () => {
  it.each([
    [2_100n, "USD", "$21.00"],
    [5n, "USD", "$0.05"],
    [0n, "EUR", "€0.00"],
    [2_100n, "JPY", "¥2,100"],
    [2_100n, "BHD", "BHD 2.100"],
    [2_100n, "CLF", "CLF 0.2100"],
    [123_456_789n, "USD", "$1,234,567.89"],
  ])("%d %s is %s", (minor, currency, text) => {
    expect(formatMoney(minor, currency).replaceAll("\u00a0", " ")).toBe(text);
  });

  it("is exact beyond what a float holds", () => {
    expect(formatMoney(9_007_199_254_740_993n, "USD")).toBe("$90,071,992,547,409.93");
    expect(majorText(9_007_199_254_740_993n, "BHD")).toBe("9007199254740.993");
  });

  it("shows an amount of a code that is no currency's all the same", () => {
    expect(formatMoney(2_100n, "not a code")).toBe("21.00 not a code");
  });

  it("knows the sign before a field", () => {
    expect([currencySign("USD"), currencySign("JPY"), currencySign("BHD")]).toEqual(["$", "¥", "BHD"]);
  });
});

describe("what is typed in major units becomes minor ones", () => {
  it.each([
    ["21", "USD", 2_100n],
    ["21.5", "USD", 2_150n],
    ["21,50", "USD", 2_150n],
    [" $ 1,234.50 ", "USD", 123_450n],
    ["1 234", "USD", 123_400n],
    ["1,234", "USD", 123_400n],
    [".5", "USD", 50n],
    ["2100", "JPY", 2_100n],
    ["2,100", "JPY", 2_100n],
    ["2.100", "BHD", 2_100n],
    ["2.1000", "USD", 210n],
    ["0.0001", "CLF", 1n],
    ["9999999999999.99", "USD", 999_999_999_999_999n],
  ])("%s %s is %d", (typed, currency, minor) => {
    expect(parseMoney(typed, currency)).toEqual({ ok: true, minor });
  });

  it.each([
    ["", "USD"],
    ["abc", "USD"],
    ["-5", "USD"],
    ["1e3", "USD"],
    ["1.2.3", "USD"],
    [".", "USD"],
    ["21.505", "USD"],
    ["21.5", "JPY"],
    ["12,34,567", "USD"],
    ["NaN", "USD"],
  ])("%j %s is asked back", (typed, currency) => {
    expect(parseMoney(typed, currency).ok).toBe(false);
  });

  it("asks back what can be read two ways where a currency has three digits", () => {
    expect(parseMoney("1,234", "BHD")).toEqual({ ok: false, problem: "Write 1.234 or 1234: 1,234 can mean both." });
  });

  it.each([
    ["1.000", "JPY", "Write 1 or 1000: 1.000 can mean both."],
    ["21.500", "USD", "Write 21.50 or 21500: 21.500 can mean both."],
  ])("asks back %s %s, which may be thousands", (typed, currency, problem) => {
    expect(parseMoney(typed, currency)).toEqual({ ok: false, problem });
  });

  it("takes no more than the contract does", () => {
    expect(parseMoney(majorText(AMOUNT_MAX, "USD"), "USD")).toEqual({ ok: true, minor: AMOUNT_MAX });
    expect(parseMoney(majorText(AMOUNT_MAX + 1n, "USD"), "USD").ok).toBe(false);
  });

  it("reads back what it wrote, for every number of digits", () => {
    for (const currency of ["JPY", "USD", "BHD", "CLF"]) {
      for (const minor of [1n, 9n, 10n, 99n, 1_000n, 123_456n, AMOUNT_MAX]) {
        expect(parseMoney(majorText(minor, currency), currency)).toEqual({ ok: true, minor });
      }
    }
  });
});
