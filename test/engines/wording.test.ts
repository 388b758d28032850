// How figures read in a reason.

import { describe, expect, it } from "vitest";
import { minutes, seconds } from "../../src/kernel/units.js";
import { counted, during, figure, sentence, span, withoutStop } from "../../src/engines/wording.js";

describe("a reason's figures", () => {
  it("round extrapolated samples and agree with their noun", () => {
    expect([counted(1240.3, "request"), counted(1.2, "request"), counted(0, "request")]).toEqual(["1,240 requests", "1 request", "0 requests"]);
  });

  it("say spans as people do", () => {
    expect([seconds(1), seconds(90), minutes(1), minutes(2), minutes(15), minutes(60), minutes(90), seconds(221), seconds(747)].map(span)).toEqual([
      "1 second", "90 seconds", "1 minute", "2 minutes", "15 minutes", "1 hour", "90 minutes", "3m 41s", "12m 27s",
    ]);
  });

  it("say a last span of one without a figure", () => {
    expect([minutes(1), minutes(2), seconds(221), minutes(60)].map(during)).toEqual(["in the last minute", "in the last 2 minutes", "in the last 3m 41s", "in the last hour"]);
  });

  it("carry the unit of their metric", () => {
    expect([figure("error-rate", 0.0413), figure("p95", 0.25), figure("p99", 1.5), figure("restarts", 5.5), figure("startup-failures", 2), figure("flag-service", 0.5)]).toEqual([
      "4.13%", "250ms", "1.5s", "5.5 per minute", "2", "50%",
    ]);
  });

  it("begin and end as sentences do", () => {
    expect(sentence("p95 of checkout")).toBe("P95 of checkout");
    expect(withoutStop("It failed.")).toBe("It failed");
  });
});
