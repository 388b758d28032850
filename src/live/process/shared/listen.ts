// The answering end of a connection: an HTTP server on a loopback port of the system's choice, with no timeouts of its own.

import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Connections that may wait to be accepted. */
const BACKLOG = 1024;

export interface Listening {
  readonly server: Server;
  readonly port: number;
}

/** Callers decide how long they wait, so the server closes nothing by itself. */
export function listenOnLoopback(listener: RequestListener): Promise<Listening> {
  const server = createServer({ keepAlive: true, noDelay: true, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 }, listener);
  server.timeout = 0;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve({ server, port: (server.address() as AddressInfo).port });
    });
  });
}

/** Closes the port and every connection. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
