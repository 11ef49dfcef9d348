import { type Socket, createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";

import { listenErrorFrom } from "../../core/http/listen-error.ts";
import { listenOn } from "../../core/http/wildcard-host.ts";
import { type PeerAddress, formatPeerAddress } from "../../core/peer-address.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";
import type { Logger } from "../../core/ports/logger.ts";

/** A bound socket. Dispose of it to close it. */
export interface UdpListener extends AsyncDisposable {
  readonly socket: Socket;
  readonly address: PeerAddress;
}

/**
 * Bytes of datagrams that wait for us: a thousand nodes that announce at once are
 * 100 KB, and what is lost is only sent again after a second.
 */
const receiveBufferLength = 1024 * 1024;

/**
 * Binds a UDP socket; one on `::` serves IPv4 too.
 *
 * @throws {UnavailableError} when it cannot have the address.
 */
export async function listenUdp(
  { host, port }: PeerAddress,
  { logger, signal }: Cancellable & { readonly logger: Logger },
): Promise<UdpListener> {
  const socket = await listenOn(host, (at) => bind({ host: at, port }, { signal })).catch(
    (error: unknown) => {
      throw listenErrorFrom(error, `${formatPeerAddress({ host, port })} by UDP`);
    },
  );
  // Such as a network that went away while an answer was sent: the asker asks again.
  socket.on("error", (error) => logger.warn("cannot use UDP socket", { error: error.message }));
  growReceiveBuffer(socket);
  const bound = socket.address();
  return {
    socket,
    address: { host: bound.address, port: bound.port },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

async function bind({ host, port }: PeerAddress, { signal }: Cancellable): Promise<Socket> {
  const { address, family } = await lookup(host);
  signal.throwIfAborted();
  const socket = createSocket({ type: family === 6 ? "udp6" : "udp4" });
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, "listening", { signal });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** The system may allow less: then that is what we get. */
function growReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferLength);
  } catch {
    // The default works too.
  }
}
