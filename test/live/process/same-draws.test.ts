// One seed, two worlds: the processes fail, slow and sell to the very requests that the simulator does.

import { afterEach, describe, expect, it } from "vitest";
import { millis, seconds } from "../../../src/kernel/units.js";
import type { Effect } from "../../../src/world/effect.js";
import { HarmColumn, LEDGER_COLUMNS, LedgerColumn } from "../../../src/world/ledger.js";
import { createRequestWorld } from "../../../src/world/request/request-world.js";
import type { WorldSpec } from "../../../src/world/spec.js";
import { LoadGenerator } from "../../../src/live/process/load/load-generator.js";
import { sleep, startDatabase, startProxy, startReplica, stopAll, until } from "./servers.js";
import { callSpec, common, databaseSpec, effectOn, endpointSpec, replicaSetup, serviceSpec, worldSpec } from "./specs.js";

const loads: LoadGenerator[] = [];
afterEach(async () => {
  for (const load of loads.splice(0)) load.stop();
  await stopAll();
});

/** No page before the canary is admitted, in either world. */
const PAGES_FROM = seconds(1);
const PAGES_TO = seconds(3.5);

/** A shop that calls a stock service and a database, with errors everywhere; pages arrive for a while, then none. */
function world(): WorldSpec {
  const time = { kind: "lognormal", p50: millis(8), p95: millis(20) } as const;
  const stock = serviceSpec("stock", [endpointSpec("look", { time, errors: 0.05 })], { slots: 200 });
  const shop = serviceSpec("shop", [
    endpointSpec("page", {
      share: 0.6, time, errors: 0.03, conversion: 0.4,
      calls: [callSpec({ kind: "endpoint", service: "stock", endpoint: "look" }, { timeout: seconds(5), share: 0.7, retries: { max: 1, backoff: millis(5), budget: 1 } })],
    }),
    endpointSpec("buy", { share: 0.4, time, conversion: 0.9, orderValue: 75, calls: [callSpec({ kind: "database", database: "orders" }, { timeout: seconds(5) })] }),
  ], { slots: 200 });
  const spec = worldSpec([shop, stock], [databaseSpec("orders", { time, errors: 0.04, pool: 200, wait: seconds(5) })], 120);
  return {
    ...spec,
    traffic: [{ ...spec.traffic[0], shape: { kind: "trace", times: [0, PAGES_FROM, PAGES_FROM + 1, PAGES_TO, PAGES_TO + 1], relative: [0, 0, 1, 1, 0] } }],
    clients: { timeout: seconds(10), reload: { share: 0.5, after: millis(200), max: 1 } },
  };
}

const V2 = { with: "version", service: "shop", version: "v2" } as const;
const EFFECTS: readonly Effect[] = [
  effectOn("v2 fails", { on: "service", service: "shop", endpoint: "page" }, { kind: "errors", ratio: 0.3 }, { carrier: V2, users: 0.5, release: 0 }),
  effectOn("v2 sells less", { on: "service", service: "shop", endpoint: "buy" }, { kind: "conversion", drop: 0.4 }, { carrier: V2, release: 0 }),
  effectOn("v2 breaks stock", { on: "service", service: "stock" }, { kind: "errors", ratio: 0.2 }, { carrier: V2, release: 0 }),
  effectOn("v2 breaks orders", { on: "database", database: "orders" }, { kind: "errors", ratio: 0.1 }, { carrier: V2, release: 0 }),
];

const VERSIONS = [{ service: "shop", version: "v2", flag: null }];
const WEIGHTS = { v1: 0.5, v2: 0.5 };

describe("for one seed", () => {
  it("the edge's ledger of the processes equals the simulator's, count by count", async () => {
    const spec = world();
    const simulated = createRequestWorld({
      spec, effects: EFFECTS, versions: VERSIONS, seed: 7, horizon: seconds(30), slowAfterSeconds: 5, noiseFree: false, detail: "full",
    });
    simulated.scale("shop", "v2", 1);
    simulated.setWeights("shop", WEIGHTS);
    simulated.advanceTo(seconds(12));

    const proxy = await startProxy({ ...common(), role: "proxy", services: spec.services });
    const database = await startDatabase({ ...common(), role: "database", database: spec.databases[0], effects: EFFECTS });
    const start = (service: number, version: string): ReturnType<typeof startReplica> => startReplica(replicaSetup(spec.services[service], {
      version, replica: `${spec.services[service].name}-${version}-0`, effects: EFFECTS, servicePorts: proxy.ports, databasePorts: { orders: database.port },
    }));
    const [v1, v2, stock] = await Promise.all([start(0, "v1"), start(0, "v2"), start(1, "v1")]);
    proxy.server.obey({ type: "backends", service: "shop", backends: [v1, v2].map(({ port }, n) => ({ replica: `shop-v${n + 1}-0`, version: `v${n + 1}`, port })) });
    proxy.server.obey({ type: "backends", service: "stock", backends: [{ replica: "stock-v1-0", version: "v1", port: stock.port }] });
    proxy.server.obey({ type: "weights", service: "shop", weights: WEIGHTS });
    await until(() => (proxy.admitted()["shop"] ?? []).length === 2 && (proxy.admitted()["stock"] ?? []).length === 1);

    const load = new LoadGenerator({
      ...common(), role: "load", world: spec, versions: VERSIONS, effects: EFFECTS, slowAfterSeconds: 5, servicePorts: proxy.ports, duration: seconds(30),
    }, () => undefined);
    loads.push(load);
    load.start();
    load.obey({ type: "begin", at: 0 });
    const requests = (totals: Float64Array): number => totals.filter((_, i) => i % LEDGER_COLUMNS === LedgerColumn.requests).reduce((a, b) => a + b, 0);
    const edge = (totals: Float64Array): number[][] => load.ledger.cells.flatMap(({ scope }, cell) => {
      const row = Array.from(totals.subarray(cell * LEDGER_COLUMNS, (cell + 1) * LEDGER_COLUMNS));
      return scope === "edge" ? [row.filter((_, column) => column !== LedgerColumn.latencySeconds)] : [];
    });
    await sleep(PAGES_TO / 1000);
    await until(() => requests(load.ledger.totals) >= edge(simulated.ledger.totals).reduce((sum, row) => sum + row[LedgerColumn.requests], 0));
    await sleep(400);
    expect(requests(load.ledger.totals)).toBeGreaterThan(250);
    edge(simulated.ledger.totals).forEach((row, cell) => {
      edge(load.ledger.totals)[cell].forEach((value, column) => expect(value, `cell ${cell}, column ${column}`).toBeCloseTo(row[column], 6));
    });
    expect(Array.from(load.ledger.harmBy)).toEqual(Array.from(simulated.ledger.harmBy));
    expect(load.ledger.harmBy[HarmColumn.pages]).toBeGreaterThan(10);
  });
});
