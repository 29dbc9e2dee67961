import { describe, expect, it } from "vitest";
import { call, countdownSpoken, countdownText, secondsLeft } from "./countdown";

describe("a countdown", () => {
  it.each([
    [0, "0:00"],
    [7, "0:07"],
    [60, "1:00"],
    [729, "12:09"],
    [3_599, "59:59"],
    [3_600, "1 h 00 min"],
    [11_100, "3 h 05 min"],
    [86_400, "1 d 0 h"],
    [187_200, "2 d 4 h"],
  ])("of %d seconds reads %s", (seconds, text) => {
    expect(countdownText(seconds)).toBe(text);
  });

  it.each([
    [1, "1 second"],
    [45, "45 seconds"],
    [119, "119 seconds"],
    [120, "2 minutes"],
    [7_200, "2 hours"],
    [172_800, "2 days"],
  ])("of %d seconds is spoken as %s", (seconds, text) => {
    expect(countdownSpoken(seconds)).toBe(text);
  });

  it("shows 1 second until the end and 0 afterwards", () => {
    expect(secondsLeft(10_000, 9_001)).toBe(1);
    expect(secondsLeft(10_000, 10_000)).toBe(0);
    expect(secondsLeft(10_000, 99_000)).toBe(0);
  });

  it("has an auctioneer's call in its last half minute", () => {
    expect([31, 30, 11, 10, 1, 0].map(call)).toEqual([
      null,
      "Going once",
      "Going once",
      "Going twice",
      "Going twice",
      null,
    ]);
  });
});
