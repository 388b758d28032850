// The same M/M/1 station in SimPy, where Debian's python3-simpy3 is installed.

import { spawnSync } from "node:child_process";

const PYTHONS = ["python3", "/usr/bin/python3"];

/** As SimPy's manual writes a queue; prints customers per second of processor time. */
const PROGRAM = `
import random, sys, time
import simpy

def customer(env, server, rng):
    with server.request() as turn:
        yield turn
        yield env.timeout(rng.expovariate(1.0))

def source(env, server, rng, count):
    for _ in range(count):
        yield env.timeout(rng.expovariate(0.7))
        env.process(customer(env, server, rng))

count = int(sys.argv[1])
env = simpy.Environment()
server = simpy.Resource(env, capacity=1)
began = time.process_time()
env.process(source(env, server, random.Random(1), count))
env.run()
print(count / (time.process_time() - began))
`;

/** Customers per second of processor time, or null where SimPy is missing. */
export function mm1OnSimpy(customers: number): number | null {
  for (const python of PYTHONS) {
    const run = spawnSync(python, ["-c", PROGRAM, String(customers)], { encoding: "utf8" });
    const rate = Number(run.stdout);
    if (run.status === 0 && rate > 0) return rate;
  }
  return null;
}
