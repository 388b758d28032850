// When an incident opens and closes, and who is responsible when.

import { describe, expect, it } from "vitest";
import { minutes } from "../../src/kernel/units.js";
import type { AlertFinding } from "../../src/engines/alerts.js";
import type { Decision } from "../../src/engines/decision.js";
import { alertOfAction, alertOfResult, followIncident, incidentsIn, responsible, type IncidentRecord, type IncidentSignal } from "../../src/delivery/incidents.js";

const alert = (severity: AlertFinding["severity"]): IncidentSignal => ({
  kind: "alert", at: minutes(3), alert: { severity, channel: severity === "critical" ? "pager" : "chat", series: "error rate of checkout v2", text: "Error rate of checkout v2 is 9%, above 5%." },
});
const decision = (actions: Decision["actions"]): IncidentSignal => ({
  kind: "decision",
  decision: { id: 1, at: minutes(4), state: "step 1 of 3 (5%), baking", release: "v2", service: "checkout", rule: "trigger", actions, by: "engine", reason: "It failed.", decidingCheck: null, checks: [], flag: null, weight: 0.05 },
});
const result = (kind: "promoted" | "flag-off" | "rolled-back" | "held"): IncidentSignal => ({ kind: "result", result: { kind, by: "engine", at: minutes(6), afterFullExposure: false } });

const follow = (...signals: IncidentSignal[]): IncidentRecord | null =>
  signals.reduce<IncidentRecord | null>((incident, signal) => followIncident(incident, "v2", signal), null);

describe("an incident", () => {
  it("opens with the first critical alert and closes when the release is rolled back", () => {
    expect(follow(alert("warning"))).toBeNull();
    expect(follow(alert("warning"), alert("critical"), decision(["roll-back"]), result("rolled-back"))).toMatchObject({
      openedAt: minutes(3), closedAt: minutes(6), summary: "Error rate of checkout v2 is 9%, above 5%.", notes: [{ at: minutes(3) }, { at: minutes(4) }, { at: minutes(6) }],
    });
  });

  it("opens with a decision to act, not with one to hold", () => {
    expect(follow(decision(["hold"]))).toBeNull();
    expect(follow(decision(["disable-flag"]))).toMatchObject({ openedAt: minutes(4), closedAt: null, summary: "It failed." });
  });

  it("stays open while a release is only held", () => {
    expect(follow(decision(["roll-back"]), result("held"))).toMatchObject({ closedAt: null });
  });

  it("closes when the checks recover, if nobody had decided to act", () => {
    const recovered: IncidentSignal = { kind: "recovered", at: minutes(9) };
    expect(follow(alert("critical"), recovered)).toMatchObject({ closedAt: minutes(9) });
    expect(follow(alert("critical"), decision(["hold"]), recovered)).toMatchObject({ closedAt: minutes(9) });
    expect(follow(alert("critical"), decision(["roll-back"]), recovered)).toMatchObject({ closedAt: null });
    expect(follow(recovered)).toBeNull();
  });

  it("is followed by another one when it happens again", () => {
    const later: IncidentSignal = { kind: "alert", at: minutes(12), alert: { severity: "critical", channel: "pager", series: "p95 of checkout v2", text: "P95 of checkout v2 is 9s, above 5s." } };
    const signals = [alert("critical"), { kind: "recovered", at: minutes(9) } as const, later, { kind: "recovered", at: minutes(15) } as const, { kind: "recovered", at: minutes(20) } as const];
    expect(incidentsIn("v2", signals).map(({ openedAt, closedAt }) => [openedAt, closedAt])).toEqual([[minutes(3), minutes(9)], [minutes(12), minutes(15)]]);
    expect(incidentsIn("v2", signals.slice(0, 3)).map(({ closedAt }) => closedAt)).toEqual([minutes(9), null]);
  });

  it("is not opened again once it is closed", () => {
    const closed = follow(decision(["roll-back"]), result("rolled-back"));
    expect(followIncident(closed, "v2", alert("critical"))).toBe(closed);
  });
});

it("climbs the ladder: automatic, on-call at 5, manager at 15, executives at 30 minutes", () => {
  expect([0, 4.9, 5, 14.9, 15, 29.9, 30, 600].map((open) => responsible(minutes(open)))).toEqual([
    "automatic", "automatic", "on-call engineer", "on-call engineer", "senior manager", "senior manager", "executives", "executives",
  ]);
});

it("warns of actions that fail and logs flags that change", () => {
  const flag = { kind: "set-flag", flag: "new-checkout", on: false } as const;
  expect(alertOfAction(flag, { type: "action.failed", id: 1, at: 0, why: "down" })).toMatchObject({ severity: "warning", text: "Failed to switch flag new-checkout off: down." });
  expect(alertOfAction(flag, { type: "action.done", id: 1, at: 0, effectiveAt: 0 })).toMatchObject({ severity: "info", channel: "log" });
  expect(alertOfAction({ kind: "mark-stable", service: "checkout", version: "v2" }, { type: "action.done", id: 1, at: 0, effectiveAt: 0 })).toBeNull();
  expect(alertOfResult("checkout", "v2", { kind: "promoted", by: "engine", at: 0, afterFullExposure: true })).toMatchObject({ severity: "info" });
});
