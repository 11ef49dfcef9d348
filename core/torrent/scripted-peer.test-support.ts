import { once } from "node:events";
import { type Server, type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import type { PeerAddress } from "../peer-address.ts";
import { createPeerId } from "../peer-id.ts";
import type { BlobFixture } from "../testing/blob-fixture.ts";
import type { Place } from "../topology.ts";
import { cleanUpOf } from "../testing/clean-up.ts";
import { encodeExtendedHandshake } from "./extended-handshake.ts";
import { FrameParser } from "./frame-parser.ts";
import { encodeHandshake, handshakeLength } from "./handshake.ts";
import { type Block, encodeExtended, encodePieceHeader, encodeSignal } from "./wire-message.ts";

/** A node that says it has a whole blob, and does with requests what a test wants. */
export interface ScriptedPeer {
  readonly address: PeerAddress;
  /** Connections so far. */
  readonly connections: () => number;
}

/** What a peer does with a request; `answer` sends bytes as the block. */
export type OnRequest = (block: Block, answer: (bytes: Uint8Array) => void, socket: Socket) => void;

/** Our greeting as a node sends it. */
export function greeting(
  { metainfo }: BlobFixture,
  {
    whole = true,
    listenPort = 0,
    place,
    crowded = false,
  }: {
    readonly whole?: boolean;
    readonly listenPort?: number;
    readonly place?: Place;
    /** Whether it serves others instead. */
    readonly crowded?: boolean;
  } = {},
): Buffer {
  return Buffer.concat([
    encodeHandshake({ infoHash: metainfo.infoHash, peerId: createPeerId() }),
    encodeExtended(
      0,
      encodeExtendedHandshake({
        ...{ blockLengthMax: 1 << 20, dedicatedSeeder: false, whole, listenPort, place, crowded },
      }),
    ),
  ]);
}

/** Listens like a node that seeds `blob`. */
export async function scriptedPeer(
  t: TestContext,
  blob: BlobFixture,
  script: {
    readonly onRequest: OnRequest;
    readonly afterGreeting?: Buffer;
    /** Whether it greets as one that has all pieces, which is the default. */
    readonly whole?: boolean;
  },
): Promise<ScriptedPeer> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.write(greeting(blob, script));
    socket.write(script.afterGreeting ?? encodeSignal("unchoke"));
    parseRequests(socket, script.onRequest);
  });
  const address = await listen(t, server, sockets);
  return {
    address,
    connections: () => connections,
  };
}

/** Listens on loopback until the test ends. */
export async function listen(
  t: TestContext,
  server: Server,
  sockets: ReadonlySet<Socket> = new Set(),
  host = "127.0.0.1",
): Promise<PeerAddress> {
  await once(server.listen(0, host), "listening");
  cleanUpOf(t).defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** Sends bytes to a node's port and resolves when it hangs up. */
export async function hangsUp(port: number, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("error", () => undefined).on("data", (chunk: Buffer) => received.push(chunk));
  socket.write(bytes);
  await closed(socket);
  return Buffer.concat(received);
}

/** Resolves when a connection is over, also when it was cut with bytes that nobody had read. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
}

/** Gives what a node asks for on a connection, after its handshake, to `onRequest`. */
export function parseRequests(socket: Socket, onRequest: OnRequest): void {
  let skipped = 0;
  const parser = new FrameParser(
    {
      onMessage: (message) => {
        if (message.type !== "request") return;
        const { block } = message;
        onRequest(block, (bytes) => socket.write(framed(block, bytes)), socket);
      },
      onBlockStart: () => undefined,
      onBlockEnd: () => undefined,
    },
    { messageLengthMax: 1 << 16, blockLengthMax: 0, messagesMax: Infinity },
  );
  socket.on("data", (chunk: Buffer) => {
    const rest = chunk.subarray(Math.min(chunk.length, handshakeLength - skipped));
    skipped += chunk.length - rest.length;
    parser.push(rest);
  });
}

/** A block as it goes on the wire. */
export function framed(block: Block, bytes: Uint8Array): Buffer {
  return Buffer.concat([encodePieceHeader({ ...block, length: bytes.length }), bytes]);
}

/** Answers as an honest node. */
export function honestly({ bytes, metainfo }: BlobFixture): OnRequest {
  return ({ index, begin, length }, answer) => {
    const start = index * metainfo.layout.pieceLength + begin;
    answer(bytes.subarray(start, start + length));
  };
}
