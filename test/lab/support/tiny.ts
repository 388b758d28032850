// A scenario of a few milliseconds: one service, twelve minutes, one file.

import { bundleOf, type Bundle } from "../../../src/lab/bundle.js";

export interface Tiny {
  readonly name?: string;
  readonly errors?: string;
  readonly duration?: string;
  readonly rate?: string;
  readonly expect?: string;
  readonly extra?: string;
  readonly strategy?: string;
}

/** The text of a scenario in which v2 fails some of its requests. */
export function tinyText({ name = "tiny", errors = "+20%", duration = "12m", rate = "40rps", expect = "classification: caught", extra = "", strategy = "steps: [{ weight: 50%, bake: 3m }, { weight: 100%, bake: 2m }]" }: Tiny = {}): string {
  return `shakedown: 1
kind: scenario
name: ${name}
seed: 3
for: ${duration}
world:
  users: 5000
  services:
    api: { replicas: 4, endpoints: { get: { p50: 20ms, p95: 60ms, errors: 0.1%, conversion: 10%, order-value: 20EUR } } }
  traffic: { enters: api, rate: ${rate} }
strategy:
  ${strategy}
objectives: { error-rate: 0.5% }
${extra}script:
  - at: 2m
    release: { service: api, version: v2, defects: [{ with: version, on: api, errors: ${errors} }] }
expect:
  - { release: v2, ${expect} }
`;
}

export const tiny = (options: Tiny = {}): Bundle => {
  const path = `${options.name ?? "tiny"}.yaml`;
  return bundleOf(path, [{ path, text: tinyText(options) }]);
};
