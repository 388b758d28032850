// Shows what main itself counts (replicas, restarts, the flag service) as metrics pages, for a Prometheus to scrape.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { SeriesStore } from "../../telemetry/store.js";
import { renderPage } from "../telemetry/page.js";

export class FiguresPage {
  readonly #server: Server;
  readonly #port: number;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.#port = port;
  }

  /** Serves the store's targets on a loopback port, each under its id. */
  static start(store: SeriesStore): Promise<FiguresPage> {
    const server = createServer((request, response) => {
      const id = decodeURIComponent((request.url ?? "/").slice(1));
      const target = store.targets.find((each) => each.id === id);
      response.writeHead(target === undefined ? 404 : 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      response.end(target === undefined ? "" : renderPage(target.schema, target.labels, target.live[0]));
    });
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(new FiguresPage(server, (server.address() as AddressInfo).port)));
    });
  }

  url(id: string): string {
    return `http://127.0.0.1:${this.#port}/${encodeURIComponent(id)}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
