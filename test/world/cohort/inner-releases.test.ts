// A called service's release is refused exactly where its failing calls are made again: there cohort would mix its versions.

import { describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import { cohortRefusals } from "../../../src/world/cohort/refusals.js";
import type { Effect, EffectKind } from "../../../src/world/effect.js";
import type { CallSpec, WorldSpec } from "../../../src/world/spec.js";
import { call, effect, endpoint, input, service, shop } from "./small-world.js";

const RELOADS = { timeout: seconds(10), reload: { share: 0.5, after: seconds(2), max: 2 } };
const RETRIES = { retries: { max: 1, backoff: millis(50), budget: 0.2 } };
const carrier = { with: "version", service: "payments", version: "p2" } as const;
const onPayments = { on: "service", service: "payments" } as const;
const defect = (what: EffectKind, over: Partial<Effect> = {}) => effect(onPayments, what, { id: "p2: broken", carrier, release: 0, ...over });
const ERRORS: EffectKind = { kind: "errors", ratio: 0.1 };

/** Checkout calls payments, whose version p2 is released. */
function calling(over: Partial<CallSpec>, more: Partial<WorldSpec> = {}): WorldSpec {
  const base = shop(more);
  const entry = service({ endpoints: [endpoint({ calls: [call({ kind: "endpoint", service: "payments", endpoint: "charge" }, over)] })] });
  return { ...base, services: [entry, base.services[1]] };
}

const refused = (spec: WorldSpec, effects: readonly Effect[], over: { released?: string; noiseFree?: boolean } = {}) =>
  cohortRefusals(input(spec, { effects, versions: [{ service: over.released ?? "payments", version: "p2", flag: null }], noiseFree: over.noiseFree ?? false })).map(({ what }) => what);

describe("a release of a called service", () => {
  it("whose calls fail is refused where the caller retries, with its name and the effect's", () => {
    expect(refused(calling(RETRIES), [defect(ERRORS)])).toEqual(["a release of the called service payments whose calls fail (p2: broken), where failed calls are made again (checkout calls again)"]);
  });

  it("is refused where clients load the failed page again, and not where the failed call fails no page", () => {
    expect(refused(calling({}, { clients: RELOADS }), [defect(ERRORS)])[0]).toContain("(clients load failed pages again)");
    expect(refused(calling({ optional: true }, { clients: RELOADS }), [defect(ERRORS)])).toEqual([]);
  });

  it("is played where nobody tries again", () => {
    expect(refused(calling({}), [defect(ERRORS)])).toEqual([]);
  });

  it("is played when none of its calls fails: healthy, or slow within its callers' patience", () => {
    const spec = calling(RETRIES, { clients: RELOADS });
    expect(refused(spec, [])).toEqual([]);
    expect(refused(spec, [defect({ kind: "latency", factor: 3, add: 0 })])).toEqual([]);
    expect(refused(spec, [defect({ kind: "cache-cold" })])).toEqual([]);
    expect(refused(spec, [defect({ kind: "latency", factor: 1, add: seconds(1) })])).toHaveLength(1);
  });

  it("is refused for what its own calls meet too, and for a fault that only its version has", () => {
    const spec = calling(RETRIES);
    expect(refused(spec, [effect({ on: "link", from: "payments", to: "ledger" }, ERRORS, { carrier })])).toHaveLength(1);
    expect(refused(spec, [effect({ ...onPayments, version: "p2" }, ERRORS)])).toHaveLength(1);
    expect(refused(spec, [effect(onPayments, ERRORS)])).toEqual([]);
  });

  it("is played by a twin, where all users have one version", () => {
    expect(refused(calling(RETRIES), [defect(ERRORS)], { noiseFree: true })).toEqual([]);
  });
});

it("a release of the service that clients enter is played: there users keep their version", () => {
  const errors = effect({ on: "service", service: "checkout" }, ERRORS, { carrier: { with: "version", service: "checkout", version: "p2" } });
  expect(refused(calling(RETRIES, { clients: RELOADS }), [errors], { released: "checkout" })).toEqual([]);
});
