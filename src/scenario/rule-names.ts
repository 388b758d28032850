// What the names in expectations and rules stand for, as the files name them.

import { at } from "./check.js";
import type { RuleSubject } from "./compiled.js";
import type { ExpectationNames } from "./expectation-compile.js";
import type { Place } from "./findings.js";
import type { RuleNames } from "./rule.js";
import type { CompiledScript } from "./script-compile.js";
import type { Data } from "./source.js";
import { worldNames } from "./world-compile.js";

/** Releases and subjects as the file names them, so that a fault in a release does not make its name unknown. */
export function expectationNames(place: Place, worldPlace: Place, { script }: CompiledScript): ExpectationNames {
  const releases = new Map(script.flatMap((item) => (item.kind === "release" ? [[item.release.version, item.release.service] as const] : [])));
  const raw = place.in("script").written;
  for (const item of Array.isArray(raw) ? (raw as readonly Data[]) : []) {
    const [version, service] = [at(item, ["release", "version"]), at(item, ["release", "service"])];
    if (typeof version === "string" && !releases.has(version)) releases.set(version, typeof service === "string" ? service : "");
  }
  const stable = worldNames(worldPlace).services.map((service): [string, Data] => [service, worldPlace.in("services", service, "version").written ?? "v1"]);
  return { releases: [...releases.keys()], rules: ruleNames(releases, stable) };
}

/**
 * A release's name is that release's, whoever else runs a version of that name: so expectations of releases mean it, too. `releases` are
 * services by version, `stable` is every service with the version that it runs at first.
 */
function ruleNames(releases: ReadonlyMap<string, string>, stable: readonly (readonly [service: string, version: Data])[]): RuleNames {
  const released = new Set(releases.values());
  const subjects = new Map<string, RuleSubject>([...releases].map(([version, service]) => [version, { service, version }]));
  for (const [service] of stable) if (!subjects.has(service)) subjects.set(service, { service, version: null });
  const shared = new Map<string, RuleSubject | null>();
  for (const version of new Set(stable.map(([, each]) => each))) {
    if (typeof version !== "string" || subjects.has(version)) continue;
    const running = stable.filter(([, each]) => each === version).map(([service]) => service);
    const [only, ...more] = running.filter((service) => released.has(service));
    if (running.length > 1) shared.set(version, more.length === 0 && only !== undefined ? { service: only, version } : null);
    // A service without a release runs nothing else: it is its only version.
    else subjects.set(version, { service: running[0], version: only === undefined ? null : version });
  }
  return { subjects, shared };
}
