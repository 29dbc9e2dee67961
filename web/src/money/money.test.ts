import { describe, expect, it } from "vitest";
import { AMOUNT_MAX, currencySign, formatMoney, majorText, parseMoney } from "./money";

describe("an amount", () => {
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

  it("is formatted exactly beyond the range of a float", () => {
    expect(formatMoney(9_007_199_254_740_993n, "USD")).toBe("$90,071,992,547,409.93");
    expect(majorText(9_007_199_254_740_993n, "BHD")).toBe("9007199254740.993");
  });

  it("is formatted even if its currency code is not valid", () => {
    expect(formatMoney(2_100n, "not a code")).toBe("21.00 not a code");
  });

  it("has a currency sign", () => {
    expect([currencySign("USD"), currencySign("JPY"), currencySign("BHD")]).toEqual(["$", "¥", "BHD"]);
  });
});

describe("parsing an amount", () => {
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

  it("rejects ambiguous input in a currency of three digits", () => {
    expect(parseMoney("1,234", "BHD")).toEqual({ ok: false, problem: "Write 1.234 or 1234: 1,234 is ambiguous." });
  });

  it.each([
    ["1.000", "JPY", "Write 1 or 1000: 1.000 is ambiguous."],
    ["21.500", "USD", "Write 21.50 or 21500: 21.500 is ambiguous."],
  ])("rejects %s %s, which may mean thousands", (typed, currency, problem) => {
    expect(parseMoney(typed, currency)).toEqual({ ok: false, problem });
  });

  it("rejects more than the contract's maximum", () => {
    expect(parseMoney(majorText(AMOUNT_MAX, "USD"), "USD")).toEqual({ ok: true, minor: AMOUNT_MAX });
    expect(parseMoney(majorText(AMOUNT_MAX + 1n, "USD"), "USD").ok).toBe(false);
  });

  it("reverses formatting, for every number of digits", () => {
    for (const currency of ["JPY", "USD", "BHD", "CLF"]) {
      for (const minor of [1n, 9n, 10n, 99n, 1_000n, 123_456n, AMOUNT_MAX]) {
        expect(parseMoney(majorText(minor, currency), currency)).toEqual({ ok: true, minor });
      }
    }
  });
});
