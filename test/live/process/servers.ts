// Starts the children's servers inside the test's own process, and asks them things.

import { request } from "undici";
import { DatabaseServer } from "../../../src/live/process/database/database-server.js";
import { ProxyServer } from "../../../src/live/process/proxy/proxy-server.js";
import { ReplicaServer } from "../../../src/live/process/replica/replica-server.js";
import { Header, type DatabaseSetup, type ProxySetup, type ReplicaSetup, type Report } from "../../../src/live/process/protocol.js";

export interface Reply {
  readonly status: number;
  readonly millis: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

const running: { stop(): Promise<void> }[] = [];

/** Ends everything that this file started; for afterEach. */
export async function stopAll(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.stop()));
}

export const until = async (condition: () => boolean, millis = 5_000): Promise<void> => {
  const end = performance.now() + millis;
  while (!condition()) {
    if (performance.now() > end) throw new Error("waited too long");
    await sleep(5);
  }
};

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

export async function startReplica(setup: ReplicaSetup): Promise<{ server: ReplicaServer; port: number; exits: number[]; reports: Report[] }> {
  const exits: number[] = [];
  const reports: Report[] = [];
  const server = new ReplicaServer(setup, (report) => reports.push(report), (code) => exits.push(code));
  running.push(server);
  const port = await server.start();
  await until(() => exits.length > 0 || reports.some(({ type }) => type === "ready"));
  return { server, port, exits, reports };
}

export async function startDatabase(setup: DatabaseSetup): Promise<{ server: DatabaseServer; port: number }> {
  const server = new DatabaseServer(setup, () => undefined);
  running.push(server);
  return { server, port: await server.start() };
}

export async function startProxy(setup: ProxySetup): Promise<{ server: ProxyServer; ports: Readonly<Record<string, number>>; admitted: () => Readonly<Record<string, readonly string[]>> }> {
  let admitted: Readonly<Record<string, readonly string[]>> = {};
  const server = new ProxyServer(setup, (report) => {
    if (report.type === "proxy-state") admitted = report.admitted;
  });
  running.push(server);
  return { server, ports: await server.start(), admitted: () => admitted };
}

/** One request, by default of arrival and user `n`; status 0 when the connection broke. */
export async function ask(port: number, path: string, n = 0, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  const began = performance.now();
  try {
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      headers: { [Header.user]: String(n), [Header.request]: `0.${n}.${n + 1}`, [Header.from]: "client", [Header.reload]: "0", ...headers },
    });
    const text = await answer.body.text();
    const flat = Object.fromEntries(Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
    return { status: answer.statusCode, millis: performance.now() - began, headers: flat, text };
  } catch {
    return { status: 0, millis: performance.now() - began, headers: {}, text: "" };
  }
}

export const askMany = (port: number, path: string, count: number): Promise<Reply[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => ask(port, path, n)));
