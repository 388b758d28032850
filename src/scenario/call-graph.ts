// Finds a circle in the call graph: a request that walked it would never end.

import type { ServiceSpec } from "../world/spec.js";

export interface Cycle {
  /** Endpoints in call order, e.g. `checkout/create`, `payments/charge`; the last calls the first. */
  readonly names: readonly string[];
  /** Place of the call among the first endpoint's calls. */
  readonly call: number;
}

/** The first circle in order of declaration, or null. Walks with a stack of its own: chains may be long. */
export function findCycle(services: readonly ServiceSpec[]): Cycle | null {
  const edges = new Map<string, readonly { readonly to: string; readonly call: number }[]>();
  for (const service of services) {
    for (const endpoint of service.endpoints) {
      edges.set(`${service.name}/${endpoint.name}`, endpoint.calls.flatMap(({ to }, call) => (to.kind === "endpoint" ? [{ to: `${to.service}/${to.endpoint}`, call }] : [])));
    }
  }
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const cycle = walk(start, edges, done);
    if (cycle !== null) return cycle;
  }
  return null;
}

function walk(start: string, edges: ReadonlyMap<string, readonly { readonly to: string; readonly call: number }[]>, done: Set<string>): Cycle | null {
  const path: { name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
  const onPath = new Set(path.map(({ name }) => name));
  while (path.length > 0) {
    const here = path[path.length - 1];
    const out = edges.get(here.name) ?? [];
    if (here.next >= out.length) {
      done.add(here.name);
      onPath.delete(here.name);
      path.pop();
      continue;
    }
    const { to } = out[here.next];
    here.next += 1;
    if (onPath.has(to)) return cycleFrom(path, to, edges);
    if (done.has(to)) continue;
    path.push({ name: to, next: 0 });
    onPath.add(to);
  }
  return null;
}

function cycleFrom(path: readonly { readonly name: string; readonly next: number }[], first: string, edges: ReadonlyMap<string, readonly { readonly to: string; readonly call: number }[]>): Cycle {
  const from = path.findIndex(({ name }) => name === first);
  const names = path.slice(from).map(({ name }) => name);
  const taken = path[from].next - 1;
  return { names, call: edges.get(first)?.[taken]?.call ?? 0 };
}
