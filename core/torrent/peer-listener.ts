import { once } from "node:events";
import { type Server, type Socket, createServer } from "node:net";

import { InvalidArgumentError } from "../errors.ts";
import { listenErrorFrom } from "../http/listen-error.ts";
import { listenOn } from "../http/wildcard-host.ts";
import { formatPeerAddress } from "../peer-address.ts";
import {
  type Handshake,
  handshakeLength,
  parseHandshake,
  startsLikeHandshake,
} from "./handshake.ts";
import type { HostGate } from "./host-gate.ts";
import { handshakeTimeoutMs, keepAliveMs } from "./limits.ts";

/** A peer that said who it is and what it wants, and what it sent beyond that. */
export interface IncomingPeer {
  readonly socket: Socket;
  readonly handshake: Handshake;
  /** All bytes that came so far, the handshake first. */
  readonly received: Buffer;
}

/** Bytes that a peer who encrypts sends first, at least: its half of a key exchange (MSE). */
const encryptedLengthMin = 96;

const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs };

export interface PeerListenerDeps {
  readonly host: string;
  readonly port: number;
  /** Connections at once; more are hung up on. */
  readonly connectionsMax: number;
  /** Decides whose connections are taken, and how many of each. */
  readonly gate: HostGate;
  /** Takes the peer over: reads, writes, closes it. */
  readonly onPeer: (peer: IncomingPeer) => void;
  /** Takes over what may be a peer that encrypts (MSE), or anything else. */
  readonly onEncrypted: (peer: Omit<IncomingPeer, "handshake">) => void;
  /** Something threw that no peer can be blamed for: a bug. Its connection has been closed. */
  readonly onFault: (error: unknown) => void;
}

/** Takes connections, and reads of each as much as it takes to know whose it is. */
export class PeerListener implements AsyncDisposable {
  readonly #deps: PeerListenerDeps;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(deps: PeerListenerDeps) {
    this.#deps = deps;
    this.#server = createServer(socketOptions, (socket) => {
      this.#onConnection(socket);
    });
    this.#server.maxConnections = deps.connectionsMax;
  }

  /** @throws {UnavailableError} when the port cannot be had. */
  static async open(deps: PeerListenerDeps): Promise<PeerListener> {
    const listener = new PeerListener(deps);
    try {
      await listenOn(deps.host, async (host) => {
        listener.#server.listen({ host, port: deps.port });
        await once(listener.#server, "listening");
      });
    } catch (error) {
      throw listenErrorFrom(error, formatPeerAddress(deps));
    }
    // A connection that cannot be accepted, for lack of file descriptors, ends no other.
    listener.#server.on("error", deps.onFault);
    return listener;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  /** Hangs up on everybody and frees the port. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #onConnection(socket: Socket): void {
    const host = socket.remoteAddress;
    const { gate } = this.#deps;
    if (host === undefined || !gate.admit(host)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      gate.left(host);
    });
    this.#greet(socket, (reason) => gate.wasStrange(host, reason));
  }

  #greet(socket: Socket, onStrange: (reason: string) => void): void {
    let received: Buffer = Buffer.alloc(0);
    const hangUp = () => socket.destroy();
    const deadline = setTimeout(() => {
      hangUp();
      // Who says nothing at all may only look whether somebody listens.
      if (received.length > 0) onStrange("no handshake in time");
    }, handshakeTimeoutMs);
    socket.once("close", () => clearTimeout(deadline));
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const isPlain = startsLikeHandshake(received);
      if (!isPlain && isText(received)) {
        hangUp();
        onStrange("another protocol");
        return;
      }
      if (received.length < (isPlain ? handshakeLength : encryptedLengthMin)) return;
      clearTimeout(deadline);
      socket.off("data", onData).off("error", hangUp);
      try {
        if (isPlain) this.#handOver(socket, received);
        else this.#deps.onEncrypted({ socket, received });
      } catch (error) {
        hangUp();
        if (!(error instanceof InvalidArgumentError)) this.#deps.onFault(error);
      }
    };
    socket.on("error", hangUp).on("data", onData);
  }

  #handOver(socket: Socket, received: Buffer): void {
    const handshake = parseHandshake(received.subarray(0, handshakeLength));
    this.#deps.onPeer({ socket, handshake, received });
  }
}

/** Whether it is another protocol, like HTTP: a key looks like that once in 10^8 times. */
function isText(bytes: Buffer): boolean {
  const isTextByte = (byte: number) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13);
  return bytes.length >= 20 && bytes.subarray(0, 20).every(isTextByte);
}
