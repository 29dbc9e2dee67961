import { describe, expect, it } from "vitest";
import { levelOf, THRESHOLDS, worstOf } from "./status-levels";

describe("the level of a value", () => {
  it.each([
    [0, "good"],
    [2, "good"],
    [2.1, "warn"],
    [30, "warn"],
    [31, "alarm"],
    [null, undefined],
  ] as const)("of an outbox lag of %s s is %s", (value, level) => {
    expect(levelOf(value, THRESHOLDS.outboxOldestSeconds)).toBe(level);
  });

  it("is the worst of all for the system; what is not known does not count", () => {
    expect(worstOf(["good", undefined])).toBe("good");
    expect(worstOf(["warn", "good", undefined])).toBe("warn");
    expect(worstOf(["warn", "alarm", "good"])).toBe("alarm");
  });
});
