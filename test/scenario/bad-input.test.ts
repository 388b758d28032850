// Every bad file is answered with file, line, column, a code frame and what to write instead.

import { describe, expect, it } from "vitest";

import { CANARY, edit, inline, problemsOf, SHOP, SLOW_CHECKOUT } from "./fixtures.js";
import { after, marked, said, SCENARIO, STRATEGY, WORLD } from "./marked.js";

describe("the issue's list of bad input", () => {
  it("names the key that an unknown one nearly is", () => {
    expect(after(SCENARIO, ["objectives:", "‸objektives:"])).toEqual(["unknown key `objektives` | write `objectives`"]);
    expect(after(WORLD, ["replicas: 6", "‸replica: 6"])).toEqual(["unknown key `replica` in `checkout` | write `replicas`"]);
    expect(after(STRATEGY, ["{ weight: 25%, bake: 30m", "‸{ weight: 25%, ‸baek: 30m"])).toEqual(["`bake` is missing | write it like 15m", "unknown key `baek` in `steps` | write `bake`"]);
  });

  it("says which unit a number lacks", () => {
    expect(after(STRATEGY, ["bake: 15m", "bake: ‸15"])).toEqual(["`bake`: `15` has no unit | write 15m, not 15"]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸2"])).toEqual(["`for`: `2` has no unit | write 2h, not 2"]);
    expect(after(SCENARIO, ["error-rate: 0.5%", "error-rate: ‸0.005"])).toEqual(["`error-rate`: `0.005` has no unit | write 0.5%, not 0.005"]);
    expect(after(WORLD, ["400rps", "‸400"])).toEqual(["`scale-to`: `400` has no unit | write 400rps, not 400"]);
    expect(after(SCENARIO, ["page: 50EUR", "page: ‸50"])).toEqual(["`page`: `50` has no unit | write 50EUR, not 50"]);
  });

  it("hangs no unit on what is no finite number", () => {
    const durations = "write it like 250ms, 90s, 15m, 1h30m or 2d";
    expect(after(SCENARIO, ["for: 2h", "for: ‸.inf"])).toEqual([`\`for\`: \`.inf\` is no duration | ${durations}`]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸.nan"])).toEqual([`\`for\`: \`.nan\` is no duration | ${durations}`]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸1e999"])).toEqual(["`for`: `e` is no unit of time | units of time: us, ms, s, m, h, d, w"]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸-.inf"])).toEqual(["`for`: a duration can't be negative: `-.inf` | write 15m"]);
    expect(after(SCENARIO, ["error-rate: 0.5%", "error-rate: ‸.inf"])).toEqual(["`error-rate`: `.inf` is no percentage | write it like 5% or 0.5%"]);
    expect(after(WORLD, ["400rps", "‸.nan"])).toEqual(["`scale-to`: `.nan` is no rate | write it like 400rps or 20/min"]);
    expect(after(SCENARIO, ["page: 50EUR", "page: ‸.inf"])).toEqual(["`page`: `.inf` is no amount of money | write it like 48EUR or 0.02EUR"]);
    expect(after(SCENARIO, ["seed: 7", "seed: ‸.inf"])).toEqual(["`seed`: should be a whole number, not `.inf` | write a number, like 7"]);
    expect(after(STRATEGY, ["p95: { below: 500ms }", "p95: { below: ‸.inf }"])).toEqual([`\`.inf\` is no duration | ${durations}`]);
  });

  it("suggests the unit that is plausible in the field", () => {
    expect(after(SCENARIO, ["for: 2h", "for: ‸20"])).toEqual(["`for`: `20` has no unit | write 20m, not 20"]);
    expect(after(STRATEGY, ["bake: 15m", "bake: ‸900"])).toEqual(["`bake`: `900` has no unit | write 900s, not 900"]);
    expect(after(SCENARIO, ["p95: 500ms", "p95: ‸0.5"])).toEqual(["`p95`: `0.5` has no unit | write 0.5s, not 0.5"]);
    expect(after(SCENARIO, ["p95: 500ms", "p95: ‸300"])).toEqual(["`p95`: `300` has no unit | write 300ms, not 300"]);
  });

  it("names what dangles together with the slip in a unit or a missing key, so that one look mends both", () => {
    expect(after(SCENARIO, ["for: 2h", "for: ‸20"], ["service: checkout", "service: ‸chekout"])).toEqual([
      "`for`: `20` has no unit | write 20m, not 20", "there is no service `chekout` | write `checkout`",
    ]);
    expect(after(SCENARIO, ["for: 2h\n", ""], ["shakedown: 1", "‸shakedown: 1"], ["weight(v2)", "weight(‸v3)"])).toEqual([
      "`for` is missing | write it like 2h", "there is no version or service `v3` | write `v2`",
    ]);
  });

  it("says nothing about a run's end that it guessed", () => {
    expect(after(SCENARIO, ["for: 2h", "for: ‸2"], ["at: 10m", "at: 100m"])).toEqual(["`for`: `2` has no unit | write 2h, not 2"]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸20"], ["at: 10m", "at: 100m"])).toEqual(["`for`: `20` has no unit | write 20m, not 20"]);
  });

  it("knows the unit that another nearly is", () => {
    expect(after(STRATEGY, ["every: 30s", "every: ‸30 sec"])).toEqual(["`every`: `sec` is no unit of time | write 30s"]);
    expect(after(STRATEGY, ["every: 30s", "every: ‸30%"])).toEqual(["`every`: `30%` is no duration | write it like 250ms, 90s, 15m, 1h30m or 2d"]);
    expect(after(STRATEGY, ["weight: 5%", "weight: ‸5ms"])).toEqual(["`weight`: `5ms` is no percentage | write it like 5% or 0.5%"]);
  });

  it("refuses what would happen too often to be simulated", () => {
    expect(after(WORLD, ["scrape: 15s", "scrape: ‸1us"])).toEqual(["`scrape`: `1us` is too short | write at least 100ms"]);
    expect(after(WORLD, ["scrape: 15s", "scrape: ‸0s"])).toEqual(["`scrape`: must be longer than nothing | write it like 15s"]);
    expect(after(STRATEGY, ["every: 30s", "every: ‸1ms"])).toEqual(["`every`: `1ms` is too short | write at least 100ms"]);
  });

  it("refuses a run or a window with more scrapes than can be played or kept", () => {
    const short = { [WORLD]: edit(edit(SHOP, "scrape: 15s", "scrape: 100ms"), "trace: ../traces/elb.csv, scale-to: 400rps, starts: 2014-04-14 09:00", "rate: 400rps") };
    expect(said({ ...short, [SCENARIO]: edit(SLOW_CHECKOUT, "for: 2h", "for: 30d") })).toEqual([expect.stringMatching(/720h hold 25,920,000 scrapes at 100ms each; at most 3,000,000 are played \| make the run shorter, or write telemetry: \{ scrape: 1s \} in the world$/)]);
    expect(said({ ...short, [STRATEGY]: edit(edit(CANARY, "window: 2m", "window: 1d"), "on-inconclusive: hold", "on-inconclusive: promote") })).toEqual([expect.stringMatching(/its longest window, 24h, holds 864,000 samples at a scrape every 100ms; at most 20,000 are kept \| make the window shorter, or write telemetry: \{ scrape: 5s \} in the world$/)]);
  });

  it("refuses a weight over 100 %", () => {
    expect(after(STRATEGY, ["weight: 100%", "weight: ‸120%"])).toEqual(["`weight`: `120%` is over 100% | write at most 100%"]);
  });

  it("names the service, endpoint, database or version that a dangling name nearly is", () => {
    expect(after(WORLD, ["payments/charge", "‸paymets/charge"])).toEqual(["there is no service `paymets` | write `payments`"]);
    expect(after(WORLD, ["payments/charge", "‸payments/chrage"])).toEqual(["the service `payments` has no endpoint `chrage` | write `charge`"]);
    expect(after(WORLD, ["orders-db] }", "‸order-db] }"])).toEqual(["there is no database `order-db` | write `orders-db`"]);
    expect(after(WORLD, ["enters: checkout", "enters: ‸check-out"])).toEqual(["there is no service `check-out` | write `checkout`"]);
    expect(after(SCENARIO, ["- { release: v2", "- { release: ‸v3"])).toEqual(["the script has no release `v3` | write `v2`"]);
    expect(after(SCENARIO, ["weight(v2)", "weight(‸v3)"])).toEqual(["there is no version or service `v3` | write `v2`"]);
    expect(after(SCENARIO, ["on: checkout/create-order, latency", "on: ‸checkout/create-oder, latency"])).toEqual(["the service `checkout` has no endpoint `create-oder` | write `create-order`"]);
    expect(after(SCENARIO, ["endpoints: [checkout/create-order]", "endpoints: [‸create-oder]"])).toEqual(["the service `checkout` has no endpoint `create-oder` | write `create-order`"]);
  });

  it("names the service that a release's service nearly is, once", () => {
    expect(after(SCENARIO, ["service: checkout", "service: ‸chekout"])).toEqual(["there is no service `chekout` | write `checkout`"]);
  });

  it("leads a flag that serves another service's endpoint to one that is there", () => {
    const flag = "endpoints: [checkout/create-order]";
    const said = "a flag of `checkout` serves endpoints of `checkout`";
    expect(after(SCENARIO, [flag, "endpoints: [‸payments/create-order]"])).toEqual([`${said} | write checkout/create-order`]);
    expect(after(SCENARIO, [flag, "endpoints: [‸payments/create-oder]"])).toEqual([`${said} | write \`create-order\``]);
    expect(after(SCENARIO, [flag, "endpoints: [‸payments/charge]"])).toEqual([expect.stringMatching(/^a flag of .* \| endpoints: .*`create-order`/)]);
  });

  it("misses the flag of a defect that travels with one", () => {
    expect(after(SCENARIO, ["flag: { name: new-checkout, endpoints: [checkout/create-order] },", ""], ["with: flag", "with: ‸flag"])).toEqual([
      "the release has no flag | add flag: { name: NAME, endpoints: [ENDPOINT] }, or write with: version",
    ]);
  });

  it("says that a call to a service must name an endpoint", () => {
    expect(after(WORLD, ["payments/charge", "‸payments"])).toEqual(["`payments` is a service; a call goes to one of its endpoints | write `payments/charge`"]);
  });

  it("names the circle in a call graph", () => {
    const advice = "take one of these calls out: a request would never end";
    expect(after(WORLD, ["payments/charge", "‸payments/charge"], ["p95: 170ms }", "p95: 170ms, calls: [orders-db, checkout/create-order] }"])).toEqual([
      `the calls run in a circle: checkout/create-order -> payments/charge -> checkout/create-order | ${advice}`,
    ]);
    expect(after(WORLD, ["payments/charge", "‸checkout/create-order"])).toEqual([`the calls run in a circle: checkout/create-order -> checkout/create-order | ${advice}`]);
  });

  it("refuses a negative duration", () => {
    expect(after(SCENARIO, ["for: 2h", "for: ‸-2h"])).toEqual(["`for`: a duration can't be negative: `-2h` | write 2h"]);
    expect(after(STRATEGY, ["window: 2m", "window: ‸-2"])).toEqual(["`window`: can't be negative: `-2` | write it like 2m"]);
  });

  it("says that an empty file is empty", () => {
    for (const text of ["", " \n\n", "# only a comment\n", "---\n"]) {
      expect(said({ [SCENARIO]: text })).toEqual(["1:1 the file is empty | start from a template: `shakedown new NAME`"]);
    }
  });

  it("refuses a YAML alias bomb within the blink of an eye", () => {
    const levels = "bcdefghi".split("").map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[i]}`).join(", ")}]`);
    const started = performance.now();
    const [problem, ...others] = problemsOf({ [SCENARIO]: `a: &a [x, x, x, x, x, x, x, x, x]\n${levels.join("\n")}\n` });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ file: SCENARIO, message: "the file uses more than 100 aliases", instead: "write fewer aliases (*name)" });
    expect(problem.line).toBeGreaterThan(1);
  });

  it("refuses an alias that contains itself, and one that names nothing", () => {
    expect(said({ [SCENARIO]: "a: &a [*a]\n" })).toEqual(["1:7 nested more than 24 levels deep | write a flatter map; an alias must not contain itself"]);
    expect(said({ [SCENARIO]: "a: *nothing\n" }).join()).toMatch(/1:4 .*nothing/);
  });

  it("refuses a path outside the root, at the place that names it", () => {
    expect(after(SCENARIO, ["../worlds/shop.yaml", "‸../../etc/passwd"])).toEqual([
      "the file lies outside the project's root: /etc/passwd | move it inside, or add its folder with --allow-path DIR",
    ]);
  });

  it("takes __proto__, constructor and prototype for unknown keys, and pollutes nothing", () => {
    for (const key of ["__proto__", "constructor", "prototype"]) {
      const message = `unknown key \`${key}\` | leave it out: it is no name that a file may use`;
      expect(after(SCENARIO, ["seed: 7", `‸${key}: { polluted: true }`])).toEqual([message]);
      expect(after(WORLD, ["  orders-db:", `  ‸${key}: { p50: 1ms, p95: 2ms }\n  orders-db:`])).toEqual([message]);
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(after(SCENARIO, ["service: checkout", "service: ‸toString"])).toEqual(["there is no service `toString` | services: `checkout`, `payments`"]);
  });

  it("refuses binary noise", () => {
    expect(marked(SCENARIO, "shakedown: 1\nname: ‸\u0000\u0001\u0002")).toEqual(["the file is not text: it holds bytes that no YAML file has | give a YAML file in UTF-8"]);
    expect(said({ [SCENARIO]: "\u007fELF\u0002\u0001" })[0]).toMatch(/^1:1 the file is not text/);
  });

  it("refuses a text of 50 MB without parsing it", () => {
    expect(said({ [SCENARIO]: "#".repeat(50_000_000) })).toEqual(["1:1 the file is larger than 300 kB | a scenario is a page or two; name large data as a trace"]);
  });
});

describe("YAML that is not plain", () => {
  it("refuses keys written twice", () => {
    expect(after(SCENARIO, ["seed: 7", "seed: 7\n‸seed: 8"])).toEqual(["`seed` is written twice in one map | keep one of the two"]);
  });

  it("refuses tags, tabs, several documents and open brackets", () => {
    expect(said({ [SCENARIO]: edit(SLOW_CHECKOUT, "seed: 7", "seed: !!js/function 7") }).join()).toMatch(/6:\d+ .*tag/i);
    expect(said({ [SCENARIO]: edit(SLOW_CHECKOUT, "  - at: 10m", "\t- at: 10m") }).join()).toMatch(/13:1 YAML is indented with spaces; this is a tab/);
    expect(said({ [SCENARIO]: `${SLOW_CHECKOUT}---\nkind: world\n` }).join()).toMatch(/23:1 the file holds more than one YAML document/);
    expect(said({ [SCENARIO]: edit(SLOW_CHECKOUT, "conversion: -5% }", "conversion: -5%") })[0]).toMatch(/^1[01]:\d+ /);
  });

  it("refuses nesting and repetition that would keep the parser busy, at once", () => {
    const hostile = ["[".repeat(200_000), "{a: ".repeat(70_000), "- ".repeat(100_000), "? ".repeat(100_000), "]".repeat(200_000), `[${",".repeat(200_000)}`,
      Array.from({ length: 500 }, (_, i) => `${" ".repeat(i)}a:`).join("\n")];
    for (const text of hostile) {
      const started = performance.now();
      expect(said({ [SCENARIO]: text })[0], text.slice(0, 9)).toMatch(/nested too deeply to read/);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});

describe("figures that contradict each other", () => {
  it("refuses shares that do not sum to 100 %", () => {
    expect(after(WORLD, ["endpoints: { create", "‸endpoints: { create"], ["share: 40%", "share: 30%"])).toEqual(["the shares of the endpoints sum to 90%, not 100% | add 10%, or leave one share out"]);
    expect(after(WORLD, ["endpoints: { create", "‸endpoints: { create"], ["share: 40%", "share: 50%"])).toEqual(["the shares of the endpoints sum to 110%, not 100% | take 10% away"]);
  });

  it("refuses steps that do not rise or do not end at 100 %", () => {
    expect(after(STRATEGY, ["weight: 25%", "weight: ‸4%"])).toEqual(["the weight does not rise: 4% after 5% | write steps of rising weight"]);
    expect(after(STRATEGY, [", { weight: 100%, bake: 10m }", ""], ["weight: 25%", "weight: ‸25%"])).toEqual(["the last step is 25%: the release would never be everywhere | add { weight: 100%, bake: 10m }"]);
  });

  it("refuses a p95 below the median, half a service time, and two", () => {
    expect(after(WORLD, ["p50: 45ms, p95: 140ms", "p50: 45ms, p95: ‸40ms"])[0]).toMatch(/^p95 is not above p50/);
    expect(after(WORLD, ["create-order: { share: 60%, p50: 45ms,", "‸create-order: { share: 60%,"])).toEqual(["`p50` is missing | write both p50 and p95"]);
    expect(after(WORLD, ["charge: { p50: 60ms, p95: 170ms", "charge: { p50: 60ms, p95: 170ms, ‸constant: 5ms"])).toEqual(["a service time is given twice: `p50` and `constant` | keep one of them"]);
  });

  it("refuses a replica that starts at its memory limit, and an autoscaler out of its range", () => {
    expect(after(WORLD, ["replicas: 6", "memory: ‸{ base: 2GiB, limit: 1GiB }"])[0]).toMatch(/^a replica that starts at its memory limit/);
    expect(after(WORLD, ["replicas: 6", "replicas: 6, autoscale: ‸{ min: 7, max: 9 }"])).toEqual(["the service starts with 6 replicas, outside the autoscaler's 7 to 9 | write replicas between 7 and 9"]);
  });

  it("refuses a gate that says what is unhealthy, and a trigger that says what is healthy", () => {
    expect(after(STRATEGY, ["p95: { below: 500ms }", "p95: { ‸above: 500ms }"])).toEqual(["a gate says what is healthy, and `above` says what is not | write below, or move it to triggers"]);
    expect(after(STRATEGY, ["error-rate: { above: 1%", "error-rate: { ‸below: 1%"])).toEqual(["a trigger says what is not healthy, and `below` says what is | write above, or move it to gates"]);
  });

  it("refuses a limit on conversion from the wrong side, and leads to the right one", () => {
    const gates = (check: string) => after(STRATEGY, ["memory: { below: 85% } }", `conversion: ${check} }`]);
    const triggers = (check: string) => after(STRATEGY, ["p95: { times-baseline: 1.5, for: 3 of 5 }", `conversion: ${check}`]);
    expect(gates("{ ‸below: 50% }")).toEqual(["a gate says what is healthy, and of conversion that is not `below` | write above, or move it to triggers"]);
    expect(gates("{ above: 50% }")).toEqual([]);
    expect(triggers("{ ‸above: 50% }")).toEqual(["a trigger says what is not healthy, and of conversion that is not `above` | write below, or move it to gates"]);
    expect(triggers("{ below: 50% }")).toEqual([]);
    expect(triggers("{ ‸times-baseline: 1.5 }")).toEqual(["a trigger says what is not healthy, and of conversion that is not more than a multiple of the baseline | write drops: 20%"]);
    expect(triggers("{ drops: 20% }")).toEqual([]);
  });

  it("refuses a limit on the share of requests: it has its weight", () => {
    const triggers = (check: string) => after(STRATEGY, ["p95: { times-baseline: 1.5, for: 3 of 5 }", `throughput: ${check}`]);
    const refused = ["`throughput`, the share of requests, is held against the version's weight, not against a limit | write within: 10% (up or down), or drops: 10%"];
    for (const check of ["{ ‸above: 150% }", "{ ‸below: 80% }", "{ ‸times-baseline: 1.5 }"]) expect(triggers(check)).toEqual(refused);
    for (const check of ["{ within: 10% }", "{ drops: 20% }"]) expect(triggers(check)).toEqual([]);
    expect(after(STRATEGY, ["throughput: { within: 10% }", "throughput: { ‸below: 120% }"])).toEqual(refused);
  });

  it("says of a check without a comparison which one its metric takes", () => {
    const at = { gates: "throughput: { within: 10% }", triggers: "p95: { times-baseline: 1.5, for: 3 of 5 }" };
    for (const metric of ["throughput", "conversion"]) {
      for (const from of [at.gates, at.triggers]) {
        const [said] = after(STRATEGY, [from, `‸${metric}: { window: 5m }`]);
        expect(said).toMatch(/^the comparison is missing \| write it like \{ \w+: \d+%/);
        expect(after(STRATEGY, [from, `${metric}: ${said.slice(said.indexOf("{"))}`])).toEqual([]);
      }
    }
  });

  it("refuses limits in the wrong unit for their metric", () => {
    expect(after(STRATEGY, ["p95: { below: 500ms }", "p95: { below: ‸5% }"])).toEqual(["`5%` is no duration | write it like 250ms, 90s, 15m, 1h30m or 2d"]);
    expect(after(STRATEGY, ["p95: { below: 500ms }", "p95: { below: ‸500 }"])).toEqual(["`500` has no unit | write 500ms, not 500"]);
    expect(after(STRATEGY, ["memory: { below: 85% }", "memory: { below: ‸850% }"])).toEqual(["`850%` is over 100% | write at most 100%"]);
  });

  it("misses the endpoint of a check in every released service", () => {
    expect(after(STRATEGY, ["error-rate: { above: 1%,", "error-rate: { above: 1%, endpoint: ‸create-oder,"])).toEqual(["no released service has an endpoint `create-oder` | write `create-order`"]);
  });

  it("refuses a persistence that can't be met", () => {
    expect(after(STRATEGY, ["for: 3 of 5", "for: ‸6 of 5"])).toEqual(["`for`: `6 of 5` can't be met | write 5 of 6"]);
  });

  it("refuses what comes after the end of the run", () => {
    expect(after(SCENARIO, ["at: 40m", "at: ‸3h"])).toEqual(["this comes at 3h, and the run ends at 2h | write an earlier time, or a longer `for`"]);
  });

  it("refuses the version that runs already, and a version released twice", () => {
    const release = (version: string) => `{ service: checkout, version: ${version} }`;
    expect(marked(SCENARIO, inline({ script: `  - { at: 5m, release: ${release("‸v1")} }` }))).toEqual(["`checkout` already runs v1 | give the release a version of its own"]);
    expect(marked(SCENARIO, inline({ script: `  - { at: 5m, release: ${release("v2")} }\n  - { at: 9m, release: ${release("‸v2")} }` }))[0]).toMatch(/^the version v2 is released twice/);
  });

  it("refuses a flag that two releases have", () => {
    const release = (version: string, flag: string) => `{ service: checkout, version: ${version}, flag: { name: ${flag}, endpoints: [view] } }`;
    const script = (second: string) => inline({ script: `  - { at: 5m, release: ${release("v2", "new")} }\n  - { at: 9m, release: ${release("v3", second)} }` });
    expect(marked(SCENARIO, script("‸new"))).toEqual(["two releases have the flag `new`: switched off for one, it is off for both | give each release a flag of its own"]);
    expect(marked(SCENARIO, script("newer"))).toEqual([]);
  });

  it("keeps every number within its limit", () => {
    expect(after(WORLD, ["replicas: 6", "replicas: ‸10001"])).toEqual(["`replicas`: `10001` is over 10000 | write at most 10000"]);
    expect(after(SCENARIO, ["for: 2h", "for: ‸31d"])).toEqual(["`for`: `31d` is too long | write at most 30d"]);
    expect(after(WORLD, ["slots: 16", "slots: ‸1.5"])).toEqual(["`slots`: should be a whole number, not `1.5` | write a number, like 1"]);
    expect(after(WORLD, ["slots: 16", "slots: ‸.inf"])[0]).toMatch(/^`slots`: should be a whole number/);
    const many = Array.from({ length: 201 }, (_, i) => `  s${i}: { endpoints: { e: { p50: 1ms, p95: 2ms } } }`).join("\n");
    expect(said({ [WORLD]: edit(SHOP, "databases:", `${many}\ndatabases:`) })[0]).toMatch(/holds more than 200 services \| write at most 200/);
  });
});

describe("the report of problems", () => {
  it("holds all of them, of all files, in the order of the files and by position", () => {
    const problems = problemsOf({
      [SCENARIO]: edit(edit(SLOW_CHECKOUT, "seed: 7", "sede: 7"), "release: v2, class", "release: v9, class"),
      [WORLD]: edit(edit(SHOP, "replicas: 6", "replicas: six"), "enters: checkout", "enters: nowhere"),
      [STRATEGY]: edit(CANARY, "every: 30s", "every: 30"),
    });
    expect(problems.map(({ file, line }) => [file, line])).toEqual([[SCENARIO, 6], [SCENARIO, 21], [WORLD, 5], [WORLD, 11], [STRATEGY, 4]]);
  });

  it("does not blame a name whose declaration has a fault of its own", () => {
    expect(after(WORLD, ["charge: { p50: 60ms,", "charge: { p50: ‸60,"])).toEqual(["`p50`: `60` has no unit | write 60ms, not 60"]);
    expect(after(SCENARIO, ["lines: 180", "lines: ‸many"])).toEqual(["`lines`: should be a whole number, not `many` | write a number, like 180"]);
    expect(after(SCENARIO, ["version: v2", "version: v2, ‸nonsense: 1"])[0]).toMatch(/^unknown key `nonsense`/);
  });

  it("shows the lines around the place with a caret under it", () => {
    const [problem] = problemsOf({ [STRATEGY]: edit(CANARY, "every: 30s", "every: 30") });
    expect(problem.frame.split("\n")).toEqual([
      "  2 | kind: strategy                      # canary",
      "  3 | steps: [{ weight: 5%, bake: 15m }, { weight: 25%, bake: 30m }, { weight: 100%, bake: 10m }]",
      "> 4 | every: 30",
      "    |        ^^",
      "  5 | window: 2m",
    ]);
    expect(problem.path).toBe("every");
  });

  it("says which kind of file was wanted", () => {
    expect(after(SCENARIO, ["../worlds/shop.yaml", "‸../strategies/canary.yaml"])).toEqual(["this names a strategy, and a world is wanted here | name a file of kind world"]);
    expect(marked(SCENARIO, SHOP.replace("kind: world", "kind: ‸world"))).toEqual(["this file is a world, and a scenario is wanted | name a scenario that uses it, or write kind: scenario"]);
  });
});
