// A tiny loopback server for tests: answers as it is told, until it is closed.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface FakeServer {
  readonly url: string;
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): void;
}

export async function fakeServer(answer: FakeServer["answer"]): Promise<FakeServer> {
  const server = createServer((request, response) => fake.answer(request, response));
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const fake: FakeServer = {
    url: `http://127.0.0.1:${port}`,
    answer,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return fake;
}

export const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.statusCode = status;
  response.end(JSON.stringify(body));
};
