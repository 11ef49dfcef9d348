import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";

import type { PeerAddress } from "../../core/peer-address.ts";

/** Announces under way at once: what the buffers of both sockets hold. */
const windowSize = 64;

/** Milliseconds after which an announce without an answer is taken for lost. */
const lostAfterMs = 500;

const connectRequest = Buffer.from("00000417271019800000000000000000", "hex");

/** Where an announce has what changes from one to the next. */
const at = { connectionId: 0, transactionId: 12 } as const;

/**
 * Announces over UDP as fast as a tracker answers, until there is nothing to announce, and counts
 * the answers. @see BEP 15
 *
 * @param next Gives the next announce, but for its connection and transaction; `undefined` at the end.
 */
export async function announceByUdp(
  { host, port }: PeerAddress,
  { next, signal }: { readonly next: () => Buffer | undefined; readonly signal: AbortSignal },
): Promise<number> {
  const socket = createSocket("udp4");
  try {
    socket.connect(port, host);
    await once(socket, "connect", { signal });
    socket.send(connectRequest);
    const [answer] = (await once(socket, "message", { signal })) as [Buffer];
    return await exchangeAll(socket, { connectionId: answer.subarray(8, 16), next, signal });
  } finally {
    socket.close();
  }
}

interface Exchange {
  readonly connectionId: Uint8Array;
  readonly next: () => Buffer | undefined;
  readonly signal: AbortSignal;
}

function exchangeAll(socket: Socket, { connectionId, next, signal }: Exchange): Promise<number> {
  let count = 0;
  let underWay = 0;
  let transaction = 0;
  return new Promise((resolve, reject) => {
    const send = () => {
      const packet = next();
      if (packet) {
        packet.set(connectionId, at.connectionId);
        packet.writeUInt32BE(++transaction, at.transactionId);
        underWay++;
        socket.send(packet);
      } else if (underWay === 0) {
        clearInterval(watching);
        resolve(count);
      }
    };
    let counted = 0;
    const watching = setInterval(() => {
      if (signal.aborted) {
        clearInterval(watching);
        reject(signal.reason as Error);
      }
      // All that was under way is lost: go on with others.
      if (counted === count) {
        underWay = 0;
        for (let sent = 0; sent < windowSize; sent++) send();
      }
      counted = count;
    }, lostAfterMs);
    socket.on("message", (answer) => {
      if (answer.readUInt32BE(0) !== 1) {
        clearInterval(watching);
        reject(new Error("The tracker refuses an announce"));
        return;
      }
      count++;
      underWay = Math.max(0, underWay - 1);
      send();
    });
    for (let sent = 0; sent < windowSize; sent++) send();
  });
}
