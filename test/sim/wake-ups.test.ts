// Who is woken is paid for: by a page, by an alert to the pager, and once when both come in one call.

import { describe, expect, it } from "vitest";
import { CHANNEL, type Severity } from "../../src/engines/alerts.js";
import { minutes, millis, type Micros } from "../../src/kernel/units.js";
import { rowOf } from "../../src/lab/run-row.js";
import { AlarmLog, type RaisedAlert } from "../../src/sim/alarm-log.js";
import { wakeUps } from "../../src/sim/cost.js";
import { runScenario } from "../../src/sim/run.js";
import { cornerShop, release, QUICK } from "./support/corner-shop.js";

const alert = (severity: Severity, heardAt: Micros): RaisedAlert => ({
  at: heardAt - millis(200), heardAt, alert: { severity, channel: CHANNEL[severity], series: "error rate of shop v2", text: "It is high." },
});
const page = (at: Micros) => ({ at, message: "Look.", asks: false });

function woken(pages: readonly Micros[], ...alerts: readonly RaisedAlert[]): number {
  const alarms = new AlarmLog();
  alarms.raised.push(...alerts);
  return wakeUps({ pages: pages.map(page), alarms });
}

describe("a person", () => {
  it("is woken by every page and every critical alert", () => {
    expect(woken([minutes(1), minutes(9)], alert("critical", minutes(4)))).toBe(3);
  });

  it("sleeps through warnings", () => {
    expect(woken([], alert("warning", minutes(4)), alert("info", minutes(5)))).toBe(0);
  });

  it("is woken once by what one evaluation leads to: two alerts, and the page of the decision", () => {
    expect(woken([minutes(4)], alert("critical", minutes(4)), alert("critical", minutes(4)))).toBe(1);
  });
});

it("is on the bill of a release that fails so badly that the pager goes, though the engine needs nobody", () => {
  const bill = (errors: string) => runScenario(cornerShop({ script: release(`{ with: version, on: shop/order, errors: ${errors} }`), strategy: QUICK }), { seed: 1, detail: "light" });
  const [mild, bad] = [bill("+3%"), bill("+40%")];
  expect([mild.releases[0].result, bad.releases[0].result]).toEqual(["rolled-back", "rolled-back"]);
  expect([mild.releases[0].cost.pages, bad.releases[0].cost.pages]).toEqual([0, mild.costWeights.page]);
});

it("is counted by a run's row as the bill does: asked because of thin data, without any alert", () => {
  const asks = QUICK.replace("min-requests: 20", "min-requests: 1000000, on-inconclusive: ask");
  const outcome = runScenario(cornerShop({ script: release(), strategy: asks }), { seed: 1, detail: "light" });
  const [{ cost, pages }] = outcome.releases;
  expect(outcome.alerts.filter(({ channel }) => channel === "pager")).toEqual([]);
  expect(pages).toBeGreaterThan(0);
  expect(pages).toBe(cost.pages / outcome.costWeights.page);
  expect(rowOf(outcome, "key", "bundle").pages).toBe(pages);
});
