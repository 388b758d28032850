// The list of states and ways that reports draw is the statechart's own, no more and no less.

import type { StateNode } from "xstate";
import { describe, expect, it } from "vitest";
import { canaryMachine } from "../../src/delivery/canary-machine.js";
import { CANARY_STATES, CANARY_TRANSITIONS, stateLabel } from "../../src/delivery/states.js";
import { STRATEGY } from "./fake-ports.js";

type Node = StateNode<never, never>;
const root = canaryMachine.root as unknown as Node;

const nameOf = (node: Node): string => node.path.filter((part) => part !== "exposed").join(".") || node.path.join(".");
const children = (node: Node): Node[] => Object.values(node.states) as Node[];
const leaves = (node: Node): Node[] => (children(node).length === 0 ? [node] : children(node).flatMap(leaves));

/** Passed through at once: a leaf whose last `always` has no guard. */
const isPassedThrough = (node: Node): boolean => node.always?.at(-1)?.guard === undefined && (node.always?.length ?? 0) > 0;

/** The states where a way to `node` can end up. */
function ends(node: Node): Node[] {
  const leaf = children(node).length === 0 ? node : undefined;
  if (leaf === undefined) return (node.initial.target ?? []).flatMap((target) => ends(target as unknown as Node));
  return isPassedThrough(leaf) ? (leaf.always ?? []).flatMap((way) => (way.target ?? []).flatMap((target) => ends(target as unknown as Node))) : [leaf];
}

function waysFrom(node: Node): string[] {
  const ways = [...node.transitions.values()].flat().concat(node.always ?? []);
  return ways.flatMap((way) => (way.target ?? []).flatMap((target) => ends(target as unknown as Node))).filter((target) => target !== node).map((target) => `${nameOf(node)} -> ${nameOf(target)}`);
}

describe("the list of states", () => {
  it("names every state of the statechart in which it can stand", () => {
    const standing = leaves(root).filter((node) => !isPassedThrough(node)).map(nameOf);
    expect(CANARY_STATES.map(({ state }) => state).sort()).toEqual(standing.sort());
  });

  it("says which are final", () => {
    const final = leaves(root).filter((node) => node.type === "final").map(nameOf);
    expect(CANARY_STATES.filter((one) => one.final).map(({ state }) => state).sort()).toEqual(final.sort());
  });
});

describe("the list of ways", () => {
  it("is the statechart's, apart from retries", () => {
    const nodes = [...leaves(root).filter((node) => !isPassedThrough(node)), ...children(root)];
    const machine = new Set(nodes.flatMap(waysFrom));
    const drawn = new Set(CANARY_TRANSITIONS.map(({ from, to }) => `${from} -> ${to}`));
    expect([...drawn].filter((way) => !machine.has(way)), "drawn, but not in the statechart").toEqual([]);
    expect([...machine].filter((way) => !drawn.has(way)), "in the statechart, but not drawn").toEqual([]);
  });
});

describe("who hears a fired trigger", () => {
  it("is no state below `exposed`, so that none can miss it", () => {
    const exposed = children(root).find((node) => node.key === "exposed");
    expect(exposed?.transitions.has("trigger.fired" as never)).toBe(true);
    const below = (node: Node): Node[] => children(node).flatMap((child) => [child, ...below(child)]);
    expect(exposed === undefined ? [] : below(exposed).filter((node) => node.transitions.has("trigger.fired" as never))).toEqual([]);
  });
});

it("labels a step with its place and weight", () => {
  expect(stateLabel("step.baking", 1, STRATEGY.steps)).toBe("step 2 of 3 (25%), baking");
  expect(stateLabel("rolling-back.restoring", 1, STRATEGY.steps)).toBe("rolling back");
});
