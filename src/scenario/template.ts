// The text that `shakedown new` writes: a scenario that runs as it is, with a comment on each part.

/** A commented scenario; `schema` is the path or address of the JSON Schema for editors. */
export function scenarioTemplate({ name, schema }: { readonly name: string; readonly schema: string }): string {
  return `# yaml-language-server: $schema=${schema}
shakedown: 1
kind: scenario
name: ${JSON.stringify(name)}
about: The new checkout fails now and then; the canary should notice and roll back.
seed: 7                       # another seed, another day: shakedown run FILE --seeds 1..50
for: 90m

# The world: services, databases and traffic. A file of its own works too: world: worlds/shop.yaml
world:
  users: 20000
  services:
    checkout:
      version: v1             # runs at the start
      replicas: 4
      endpoints:
        view-cart:    { share: 70%, p50: 20ms, p95: 60ms, errors: 0.05% }
        create-order: { share: 30%, p50: 45ms, p95: 140ms, errors: 0.1%, calls: [payments/charge, orders-db], conversion: 90%, order-value: 48EUR }
    payments:
      replicas: 3
      endpoints:
        charge: { p50: 60ms, p95: 170ms, errors: 0.05% }
  databases:
    orders-db: { p50: 3ms, p95: 12ms, pool: 60 }
  traffic: { enters: checkout, rate: 100rps }

# The strategy: what you want to try. A file of its own works too: strategy: strategies/canary.yaml
strategy:
  steps: [{ weight: 5%, bake: 15m }, { weight: 25%, bake: 30m }, { weight: 100%, bake: 10m }]
  gates:                      # decide promotion
    error-rate: { below: 1% }
    p95: { below: 500ms }
  triggers:                   # cause a rollback
    error-rate: { above: 1%, for: 3 of 5 }
    p95: { times-baseline: 1.5, for: 3 of 5 }

# What users must get. Judges the truth; no engine sees it.
objectives: { error-rate: 0.5%, p95: 500ms, conversion: -5% }

script:
  - at: 10m
    release:
      service: checkout
      version: v2
      defects:                # what is wrong with it; leave this out for a good release
        - { on: checkout/create-order, errors: +15% }
  # - at: 40m
  #   fault: { telemetry-gap: { for: 2m } }

expect-in: 95%                # of the seeds
expect:
  - { release: v2, classification: caught, action: roll-back }
  - { never: "weight(v2) > 25% while error-rate(v2) > 5%" }
`;
}
