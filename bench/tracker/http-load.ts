import { once } from "node:events";
import { type Socket, connect } from "node:net";

import type { PeerAddress } from "../../core/peer-address.ts";

/** Connections at once, each with one request under way: enough that the tracker never waits. */
const connectionCount = 32;

const headEnd = "\r\n\r\n";

/**
 * Asks a server over kept connections as fast as it answers, until there is nothing to ask, and
 * counts the answers. Written on plain sockets: what asks must cost less than what answers.
 *
 * @param next Gives the next request, whole; `undefined` at the end.
 * @throws {Error} when an answer is not 200, or a connection ends.
 */
export async function askByHttp(
  place: PeerAddress,
  { next, signal }: { readonly next: () => Buffer | undefined; readonly signal: AbortSignal },
): Promise<number> {
  const connections = Array.from({ length: connectionCount }, () => askOn(place, next, signal));
  const counts = await Promise.all(connections);
  return counts.reduce((sum, count) => sum + count, 0);
}

async function askOn(
  { host, port }: PeerAddress,
  next: () => Buffer | undefined,
  signal: AbortSignal,
): Promise<number> {
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, "connect", { signal });
    return await exchangeAll(socket, next, signal);
  } finally {
    socket.destroy();
  }
}

function exchangeAll(
  socket: Socket,
  next: () => Buffer | undefined,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  let pending = "";
  return new Promise((resolve, reject) => {
    const send = () => {
      const request = next();
      if (request) socket.write(request);
      else resolve(count);
    };
    socket.on("data", (chunk) => {
      pending += chunk.toString("latin1");
      const length = answerLengthIn(pending);
      if (length === undefined || pending.length < length) return;
      if (!pending.startsWith("HTTP/1.1 200 ") || pending.includes("failure reason")) {
        reject(new Error(`The tracker refuses: ${pending}`));
        return;
      }
      pending = pending.slice(length);
      count++;
      send();
    });
    socket.on("error", reject).on("close", () => reject(new Error("The tracker hung up")));
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    send();
  });
}

/** Length of the whole answer, once its head is there. */
function answerLengthIn(text: string): number | undefined {
  const end = text.indexOf(headEnd);
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? "0";
  return end + headEnd.length + Number(length);
}
