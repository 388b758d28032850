// Evaluations that the statechart is spared: only those that it would keep and do nothing else with.

import { describe, expect, it } from "vitest";
import { canaryMachine } from "../../src/delivery/canary-machine.js";
import { WAITING_STATES } from "../../src/delivery/canary-guards.js";

interface Node {
  readonly key: string;
  readonly config: { readonly always?: unknown; readonly on?: Readonly<Record<string, unknown>> };
  readonly states: Readonly<Record<string, Node>>;
}

/** Every state below `exposed` by the name that decisions show, with what it answers at once. */
function statesBelow(node: Node, name = ""): readonly { name: string; node: Node }[] {
  return Object.values(node.states).flatMap((child) => {
    const path = name === "" ? child.key : `${name}.${child.key}`;
    return [{ name: path, node: child }, ...statesBelow(child, path)];
  });
}

const exposed = (canaryMachine.root as unknown as Node).states.exposed;
const below = statesBelow(exposed);

describe("an evaluation in which no trigger fires", () => {
  it("is kept by `exposed`, and no state below hears it itself", () => {
    expect(exposed.config.on?.["window.ready"]).toEqual({ actions: "keepReport" });
    expect(below.filter(({ node }) => node.config.on?.["window.ready"] !== undefined)).toEqual([]);
  });

  it.each(WAITING_STATES)("moves %s only by the guard that its driver asks, too", (waiting) => {
    const state = below.find(({ name }) => name === waiting);
    expect(state?.node.config.always).toMatchObject({ guard: "gateFailsAtOnce" });
  });

  it("goes to the chart wherever another guard could let it move on", () => {
    const others = below.filter(({ node: { config } }) => config.always !== undefined && (config.always as { guard?: string }).guard !== "gateFailsAtOnce");
    expect(others.map(({ name }) => name)).toContain("step.holding");
    for (const { name } of others) expect(WAITING_STATES).not.toContain(name);
  });
});
