// Finds services that call themselves, through others or at once: endpoints never do, but calls may come back at another endpoint.

import type { ServiceSpec } from "../spec.js";

/** The first shortest circle in order of declaration, from a service back to itself; null when there is none. */
export function serviceCircle(services: readonly ServiceSpec[]): readonly string[] | null {
  const callees = new Map(services.map(({ name, endpoints }) =>
    [name, [...new Set(endpoints.flatMap(({ calls }) => calls.flatMap(({ to }) => (to.kind === "endpoint" ? [to.service] : []))))]] as const));
  for (const { name } of services) {
    const circle = wayBack(name, callees);
    if (circle !== null) return circle;
  }
  return null;
}

function wayBack(start: string, callees: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const callee of callees.get(way[way.length - 1]) ?? []) {
      if (callee === start) return [...way, start];
      if (seen.has(callee)) continue;
      seen.add(callee);
      ways.push([...way, callee]);
    }
  }
  return null;
}
