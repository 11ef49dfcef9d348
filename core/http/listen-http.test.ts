import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type TestContext, test } from "node:test";

import { cleanUpOf } from "../testing/clean-up.ts";
import { listenHttp } from "./listen-http.ts";

/** A server that takes two connections of a host, with what connects to it from an address. */
async function open(t: TestContext) {
  const { signal } = t;
  const { address } = cleanUpOf(t).use(
    await listenHttp(
      { host: "127.0.0.1", port: 0 },
      {
        ...{ connectionsMax: 9, connectionsPerHostMax: 2, signal },
        handle: (_, response) => void response.end("here"),
      },
    ),
  );
  return (localAddress: string): Socket => {
    const socket = connect({ ...address, localAddress }).on("error", () => undefined);
    cleanUpOf(t).defer(() => socket.destroy());
    return socket;
  };
}

/** Asks on a connection that is kept. Gives whether an answer came. */
async function isAnswered(socket: Socket): Promise<boolean> {
  socket.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
  // A connection that is refused may be reset.
  const answered = once(socket, "data").then(
    () => true,
    () => false,
  );
  const closed = new Promise<boolean>((resolve) => socket.once("close", () => resolve(false)));
  return Promise.race([answered, closed]);
}

test("an HTTP server leaves connections to others when one host would have all", async (t) => {
  const connectFrom = await open(t);
  const first = connectFrom("127.0.0.2");
  assert.equal(await isAnswered(first), true);
  assert.equal(await isAnswered(connectFrom("127.0.0.2")), true);
  assert.equal(await isAnswered(connectFrom("127.0.0.2")), false);
  assert.equal(await isAnswered(connectFrom("127.0.0.3")), true);
  first.end();
  // There is room again once the server has seen the end.
  while (!(await isAnswered(connectFrom("127.0.0.2"))));
});
