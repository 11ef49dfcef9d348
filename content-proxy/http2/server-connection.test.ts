import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeHeaderBlock } from "./header-block.ts";
import { createInProcessPair } from "./in-process-pair.ts";
import { clientPreface, resetCodes } from "./protocol.ts";
import { ServerConnection } from "./server-connection.ts";
import type { Http2Stream, StreamReceiver } from "./stream.ts";
import { frame, RawPeer, requestFrame, setting, uint32 } from "./raw-peer.test-support.ts";
import { SeededRandom } from "./seeded-random.test-support.ts";

const headers = encodeHeaderBlock([{ name: ":status", value: "200" }]);
const trailers = encodeHeaderBlock([{ name: "grpc-status", value: "0" }]);

/** A server of which the test sees everything. */
class Fixture {
  readonly peer: RawPeer;
  readonly connection: ServerConnection;
  readonly streams: Http2Stream[] = [];
  readonly events: string[] = [];
  readonly closed: Promise<Error | undefined>;
  /** Whether data are dealt with at once. */
  creditsData = true;

  constructor() {
    const [ours, theirs] = createInProcessPair();
    this.peer = new RawPeer(theirs);
    let isClosed: (error: Error | undefined) => void;
    this.closed = new Promise((resolve) => (isClosed = resolve));
    this.connection = new ServerConnection({
      socket: ours,
      accept: (stream) => this.#accept(stream),
      closed: (error) => isClosed(error),
    });
  }

  stream(nth = 0): Http2Stream {
    const stream = this.streams[nth];
    assert.ok(stream);
    return stream;
  }

  #accept(stream: Http2Stream): StreamReceiver {
    const { id } = stream;
    this.streams.push(stream);
    this.events.push(`accept ${id}`);
    return {
      headers: (_block, endStream) => this.events.push(`headers ${id} ${endStream}`),
      data: (bytes, endStream) => {
        this.events.push(`data ${id} ${bytes.length} ${endStream}`);
        if (this.creditsData) stream.credit(bytes.length);
      },
      reset: (code) => this.events.push(`reset ${id} ${code}`),
      sent: (length) => this.events.push(`sent ${id} ${length}`),
    };
  }
}

function startedFixture(): Fixture {
  const fixture = new Fixture();
  fixture.peer.start();
  return fixture;
}

const open = requestFrame(1);
const five = Buffer.alloc(5);

/** What ends the connection, by the code with which it does. RFC 9113, sections 3 to 6. */
const fatal: readonly (readonly [what: string, code: number, ...frames: readonly Buffer[]])[] = [
  ["HEADERS without a stream", resetCodes.protocolError, requestFrame(0)],
  ["HEADERS on an even stream", resetCodes.protocolError, requestFrame(2)],
  ["HEADERS on a lower stream", resetCodes.streamClosed, requestFrame(5), requestFrame(3)],
  [
    "HEADERS shorter than their priority",
    resetCodes.frameSizeError,
    frame(1, { flags: 0x24, streamId: 1, payload: Buffer.alloc(3) }),
  ],
  [
    "HEADERS with too much padding",
    resetCodes.protocolError,
    frame(1, { flags: 0x0c, streamId: 1, payload: Buffer.of(9, 0x82) }),
  ],
  [
    "a bad header block",
    resetCodes.compressionError,
    frame(1, { flags: 4, streamId: 1, payload: Buffer.of(0x80) }),
  ],
  [
    "another frame within a header block",
    resetCodes.protocolError,
    frame(1, { streamId: 1 }),
    frame(6, { payload: Buffer.alloc(8) }),
  ],
  [
    "DATA within a header block",
    resetCodes.protocolError,
    open,
    frame(1, { streamId: 3 }),
    frame(0, { streamId: 1 }),
  ],
  [
    "CONTINUATION of another stream",
    resetCodes.protocolError,
    frame(1, { streamId: 1 }),
    frame(9, { flags: 4, streamId: 3 }),
  ],
  ["CONTINUATION of nothing", resetCodes.protocolError, frame(9, { flags: 4, streamId: 1 })],
  [
    "CONTINUATION without end",
    resetCodes.enhanceYourCalm,
    frame(1, { streamId: 1 }),
    ...Array.from({ length: 40 }, () => frame(9, { streamId: 1 })),
  ],
  [
    "a header block without end",
    resetCodes.enhanceYourCalm,
    frame(1, { streamId: 1 }),
    ...Array.from({ length: 5 }, () => frame(9, { streamId: 1, payload: Buffer.alloc(16384) })),
  ],
  ["DATA without a stream", resetCodes.protocolError, frame(0, {})],
  ["DATA on an idle stream", resetCodes.protocolError, frame(0, { streamId: 1 })],
  ["RST_STREAM without a stream", resetCodes.protocolError, frame(3, { payload: uint32(0) })],
  [
    "RST_STREAM on an idle stream",
    resetCodes.protocolError,
    frame(3, { streamId: 1, payload: uint32(0) }),
  ],
  [
    "RST_STREAM of a wrong length",
    resetCodes.frameSizeError,
    open,
    frame(3, { streamId: 1, payload: five }),
  ],
  ["PRIORITY without a stream", resetCodes.protocolError, frame(2, { payload: five })],
  ["SETTINGS on a stream", resetCodes.protocolError, frame(4, { streamId: 1 })],
  ["SETTINGS of a wrong length", resetCodes.frameSizeError, frame(4, { payload: five })],
  [
    "SETTINGS ACK with a payload",
    resetCodes.frameSizeError,
    frame(4, { flags: 1, payload: setting(1, 1) }),
  ],
  ["ENABLE_PUSH of 2", resetCodes.protocolError, frame(4, { payload: setting(2, 2) })],
  [
    "INITIAL_WINDOW_SIZE of 2^31",
    resetCodes.flowControlError,
    frame(4, { payload: setting(4, 2 ** 31) }),
  ],
  ["MAX_FRAME_SIZE below 2^14", resetCodes.protocolError, frame(4, { payload: setting(5, 16383) })],
  [
    "MAX_FRAME_SIZE above 2^24 - 1",
    resetCodes.protocolError,
    frame(4, { payload: setting(5, 2 ** 24) }),
  ],
  [
    "PING on a stream",
    resetCodes.protocolError,
    frame(6, { streamId: 1, payload: Buffer.alloc(8) }),
  ],
  ["PING of a wrong length", resetCodes.frameSizeError, frame(6, { payload: five })],
  [
    "GOAWAY on a stream",
    resetCodes.protocolError,
    frame(7, { streamId: 1, payload: Buffer.alloc(8) }),
  ],
  ["GOAWAY of a wrong length", resetCodes.frameSizeError, frame(7, { payload: five })],
  ["WINDOW_UPDATE of 0", resetCodes.protocolError, frame(8, { payload: uint32(0) })],
  ["WINDOW_UPDATE of a wrong length", resetCodes.frameSizeError, frame(8, { payload: five })],
  [
    "WINDOW_UPDATE on an idle stream",
    resetCodes.protocolError,
    frame(8, { streamId: 1, payload: uint32(1) }),
  ],
  [
    "a connection window beyond 2^31 - 1",
    resetCodes.flowControlError,
    frame(8, { payload: uint32(2 ** 31 - 1) }),
  ],
  [
    "a stream window beyond 2^31 - 1 by SETTINGS",
    resetCodes.flowControlError,
    open,
    frame(8, { streamId: 1, payload: uint32(2 ** 30) }),
    frame(4, { payload: setting(4, 2 ** 31 - 1) }),
  ],
  ["PUSH_PROMISE", resetCodes.protocolError, open, frame(5, { streamId: 1, payload: uint32(2) })],
];

for (const [what, code, ...frames] of fatal) {
  test(`ServerConnection ends with GOAWAY on ${what}`, async () => {
    const { peer, closed } = startedFixture();
    peer.write(...frames);
    assert.equal(await peer.goawayCode(), code);
    assert.ok((await closed) instanceof Error);
  });
}

/** What ends a stream only. */
const nonfatal: readonly (readonly [what: string, code: number, ...frames: readonly Buffer[]])[] = [
  [
    "a window update of 0",
    resetCodes.protocolError,
    open,
    frame(8, { streamId: 1, payload: uint32(0) }),
  ],
  [
    "a window beyond 2^31 - 1",
    resetCodes.flowControlError,
    open,
    frame(8, { streamId: 1, payload: uint32(2 ** 31 - 1) }),
  ],
  [
    "PRIORITY of a wrong length",
    resetCodes.frameSizeError,
    open,
    frame(2, { streamId: 1, payload: uint32(0) }),
  ],
  ["trailers that do not end it", resetCodes.protocolError, open, open],
  [
    "trailers after its end",
    resetCodes.streamClosed,
    requestFrame(1, { endStream: true }),
    requestFrame(1, { endStream: true }),
  ],
  [
    "DATA after its end",
    resetCodes.streamClosed,
    requestFrame(1, { endStream: true }),
    frame(0, { streamId: 1 }),
  ],
  [
    "a missing pseudo field",
    resetCodes.protocolError,
    frame(1, { flags: 4, streamId: 1, payload: Buffer.of(0x83, 0x86) }),
  ],
  [
    "a second pseudo field",
    resetCodes.protocolError,
    frame(1, { flags: 4, streamId: 1, payload: Buffer.of(0x83, 0x83, 0x86, 0x84) }),
  ],
  [
    "a pseudo field after others",
    resetCodes.protocolError,
    requestFrame(1, {
      more: [
        { name: "a", value: "b" },
        { name: ":authority", value: "c" },
      ],
    }),
  ],
  [
    "an unknown pseudo field",
    resetCodes.protocolError,
    requestFrame(1, { more: [{ name: ":status", value: "200" }] }),
  ],
  [
    "a name in upper case",
    resetCodes.protocolError,
    requestFrame(1, { more: [{ name: "Te", value: "trailers" }] }),
  ],
  [
    "a line break in a value",
    resetCodes.protocolError,
    requestFrame(1, { more: [{ name: "a", value: "b\r\nc: d" }] }),
  ],
  [
    "a field of the connection",
    resetCodes.protocolError,
    requestFrame(1, { more: [{ name: "connection", value: "close" }] }),
  ],
  [
    "fields that are too many",
    resetCodes.enhanceYourCalm,
    frame(1, { streamId: 1, flags: 4, payload: Buffer.alloc(2000, 0x82) }),
  ],
];

for (const [what, code, ...frames] of nonfatal) {
  test(`ServerConnection resets a stream on ${what}, and goes on`, async () => {
    const { peer, streams } = startedFixture();
    peer.write(...frames, requestFrame(7));
    assert.equal(await peer.resetCode(1), code);
    await peer.sync();
    assert.equal(streams.at(-1)?.id, 7);
  });
}

test("ServerConnection refuses frames before SETTINGS", async () => {
  const { peer } = new Fixture();
  peer.write(clientPreface, open);
  assert.equal(await peer.goawayCode(), resetCodes.protocolError);
});

test("ServerConnection resets a stream that is sent more than its window", async () => {
  const fixture = startedFixture();
  fixture.creditsData = false;
  const full = Array.from({ length: 64 }, () =>
    frame(0, { streamId: 1, payload: Buffer.alloc(16384) }),
  );
  fixture.peer.write(open, ...full);
  await fixture.peer.sync();
  assert.equal(fixture.events.includes("reset 1 3"), false);
  fixture.peer.write(frame(0, { streamId: 1, payload: Buffer.of(1) }));
  assert.equal(await fixture.peer.resetCode(1), resetCodes.flowControlError);
});

test("ServerConnection ends when more is sent than the window of all streams", async () => {
  const fixture = startedFixture();
  fixture.creditsData = false;
  const full = Array.from({ length: 64 }, () => Buffer.alloc(16384));
  for (let streamId = 1; streamId <= 33; streamId += 2) {
    const data = full.map((payload) => frame(0, { streamId, payload }));
    fixture.peer.write(requestFrame(streamId), ...data);
  }
  assert.equal(await fixture.peer.goawayCode(), resetCodes.flowControlError);
});

test("ServerConnection gives back what was dealt with, padding, and what nobody wants", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  const padded = Buffer.alloc(16384);
  padded[0] = 255;
  peer.write(open);
  // Twice the window of the connection, and much more than that of the stream.
  for (let sent = 0; sent < 32 * 1024 * 1024; sent += 16384 * 32) {
    const data = frame(0, { streamId: 1, flags: 8, payload: padded });
    peer.write(...Array.from({ length: 32 }, () => data));
    await peer.sync();
  }
  fixture.stream().reset(resetCodes.cancel);
  for (let sent = 0; sent < 32 * 1024 * 1024; sent += 16384 * 32) {
    const data = frame(0, { streamId: 1, payload: padded });
    peer.write(...Array.from({ length: 32 }, () => data));
    await peer.sync();
  }
  assert.equal(fixture.connection.isOver, false);
});

test("ServerConnection refuses more streams than it has announced", async () => {
  const { peer, streams } = startedFixture();
  for (let nth = 0; nth <= 1000; nth++) peer.write(requestFrame(2 * nth + 1));
  assert.equal(await peer.resetCode(2001), resetCodes.refusedStream);
  assert.equal(streams.length, 1000);
});

test("ServerConnection ignores unknown frames, settings and flags", async () => {
  const { peer, streams } = startedFixture();
  peer.write(
    frame(77, { flags: 255, streamId: 9, payload: five }),
    frame(4, { payload: setting(99, 1) }),
  );
  peer.write(requestFrame(1));
  await peer.sync();
  assert.equal(streams.length, 1);
});

test("Http2Stream.respond() sends a whole response, cut into frames", async () => {
  for (const bodyLength of [1, 16383, 16384, 16385, 32769, 65535]) {
    const fixture = startedFixture();
    const { peer } = fixture;
    const body = new SeededRandom(bodyLength).bytes(bodyLength);
    peer.write(requestFrame(1, { endStream: true }));
    await peer.sync();
    const fill = (target: Buffer, at: number) => void body.copy(target, at);
    assert.ok(fixture.stream().respond({ headers, bodyLength, fill, trailers }));
    const received: Buffer[] = [];
    const first = await peer.next(({ streamId }) => streamId === 1);
    assert.deepEqual([first?.type, first?.flags, first?.payload], [1, 4, headers]);
    for (;;) {
      const next = await peer.next(({ streamId }) => streamId === 1);
      if (next?.type === 0) {
        received.push(next.payload);
        continue;
      }
      assert.deepEqual([next?.type, next?.flags, next?.payload], [1, 5, trailers]);
      break;
    }
    assert.deepEqual(Buffer.concat(received), body);
    assert.ok(fixture.stream().isClosed);
  }
});

test("Http2Stream.respond() does nothing when a window is too small or `fill` throws", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  peer.write(requestFrame(1, { endStream: true }));
  await peer.sync();
  const fill = (): void => {
    throw new Error("no bytes");
  };
  const stream = fixture.stream();
  assert.equal(stream.respond({ headers, bodyLength: 65536, fill, trailers }), false);
  assert.throws(() => stream.respond({ headers, bodyLength: 10, fill, trailers }), /no bytes/);
  stream.sendHeaders(trailers, true);
  const next = await peer.next(({ streamId }) => streamId === 1);
  assert.deepEqual([next?.flags, next?.payload], [5, trailers]);
});

test("Http2Stream.sendNow() sends data in frames if the windows allow, and else nothing", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  const body = new SeededRandom(6).bytes(40_000);
  peer.write(requestFrame(1));
  await peer.sync();
  const fill = (target: Buffer, at: number) => void body.copy(target, at);
  assert.ok(fixture.stream().sendNow(body.length, fill));
  const none = () => assert.fail("there is no room for a second one");
  assert.equal(fixture.stream().sendNow(body.length, none), false);
  const received: Buffer[] = [];
  for (let nth = 0; nth < 3; nth++) {
    received.push((await peer.next(({ type }) => type === 0))?.payload ?? Buffer.alloc(0));
  }
  assert.deepEqual(
    received.map(({ length }) => length),
    [16384, 16384, 7232],
  );
  assert.deepEqual(Buffer.concat(received), body);
});

test("Http2Stream sends data as far as both windows go, and the rest later", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  peer.write(frame(4, { payload: setting(4, 10) }), requestFrame(1, { endStream: true }));
  await peer.sync();
  const stream = fixture.stream();
  stream.sendHeaders(headers, false);
  stream.sendData(Buffer.from("0123456789abcdefghij"), false);
  stream.sendHeaders(trailers, true);
  const lengths = [];
  const isData = ({ type }: { readonly type: number }) => type === 0;
  lengths.push((await peer.next(isData))?.payload.toString());
  peer.write(frame(8, { streamId: 1, payload: uint32(3) }));
  lengths.push((await peer.next(isData))?.payload.toString());
  // A smaller initial window takes away what is left, and more.
  peer.write(frame(4, { payload: setting(4, 0) }), frame(8, { streamId: 1, payload: uint32(14) }));
  lengths.push((await peer.next(isData))?.payload.toString());
  peer.write(frame(8, { streamId: 1, payload: uint32(100) }));
  lengths.push((await peer.next(isData))?.payload.toString());
  assert.deepEqual(lengths, ["0123456789", "abc", "defg", "hij"]);
  assert.equal((await peer.next(({ type, flags }) => type === 1 && flags === 5))?.streamId, 1);
  assert.deepEqual(fixture.events.slice(1), ["sent 1 10", "sent 1 3", "sent 1 4", "sent 1 3"]);
});

test("Http2Stream shares the window of the connection among its streams", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  peer.write(frame(4, { payload: setting(4, 1 << 20) }), requestFrame(1), requestFrame(3));
  await peer.sync();
  for (const stream of fixture.streams) stream.sendData(Buffer.alloc(200_000), true);
  peer.write(frame(8, { payload: uint32(200_000) }));
  await peer.sync();
  const sent = (id: number) =>
    fixture.events
      .filter((line) => line.startsWith(`sent ${id} `))
      .map((line) => Number(line.split(" ")[2]));
  const total = (id: number) => sent(id).reduce((sum, length) => sum + length, 0);
  assert.equal(total(1) + total(3), 265_535);
  assert.ok(total(3) > 80_000, "the second stream is not left behind");
});

test("Http2Stream.whenWritable() waits for the window, and ends with the stream", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  peer.write(frame(4, { payload: setting(4, 0) }), requestFrame(1), requestFrame(3));
  await peer.sync();
  const writable = new Promise<void>((resolve) => fixture.stream(0).whenWritable(resolve));
  const over = new Promise<void>((resolve) => fixture.stream(1).whenWritable(resolve));
  peer.write(frame(3, { streamId: 3, payload: uint32(8) }));
  await over;
  assert.equal(fixture.stream(0).writableLength, 0);
  peer.write(frame(8, { streamId: 1, payload: uint32(5) }));
  await writable;
  assert.equal(fixture.stream(0).writableLength, 5);
});

test("Http2Stream resets a request that is not over when its response is", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  peer.write(requestFrame(1));
  await peer.sync();
  fixture.stream().sendHeaders(trailers, true);
  assert.equal(await peer.resetCode(1), resetCodes.noError);
  peer.write(
    frame(0, { streamId: 1, payload: five }),
    frame(3, { streamId: 1, payload: uint32(0) }),
  );
  await peer.sync();
  assert.deepEqual(fixture.events, ["accept 1", "reset 1 0"]);
});

test("ServerConnection stops reading while the peer does not read", async () => {
  const fixture = startedFixture();
  const { peer } = fixture;
  await peer.sync();
  peer.socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 4096 }, () => frame(6, { payload: Buffer.alloc(8) })),
  );
  let isHeldBack = false;
  for (let round = 0; round < 100 && !isHeldBack; round++) {
    isHeldBack = !peer.socket.write(pings);
    await new Promise((resolve) => setImmediate(resolve));
    if (!peer.socket.writableNeedDrain) isHeldBack = false;
  }
  assert.ok(isHeldBack);
  peer.socket.resume();
  await peer.sync();
});

test("ServerConnection drains: GOAWAY, no new streams, the old ones to their end", async () => {
  const fixture = startedFixture();
  const { peer, connection } = fixture;
  peer.write(requestFrame(1));
  await peer.sync();
  connection.drain();
  const goaway = await peer.next(({ type }) => type === 7);
  assert.deepEqual(goaway?.payload, Buffer.concat([uint32(1), uint32(0)]));
  // All of the second stream was under way.
  peer.write(requestFrame(3), frame(0, { streamId: 3, payload: five }));
  peer.write(
    frame(8, { streamId: 3, payload: uint32(1) }),
    frame(3, { streamId: 3, payload: uint32(8) }),
  );
  peer.write(frame(0, { streamId: 1, flags: 1, payload: five }));
  await peer.sync();
  assert.equal(await peer.resetCode(3), resetCodes.refusedStream);
  assert.deepEqual(fixture.events, ["accept 1", "data 1 5 true"]);
  fixture.stream().sendHeaders(trailers, true);
  assert.equal(await fixture.closed, undefined);
  assert.ok(await peer.next(({ type, flags }) => type === 1 && flags === 5));
});

test("ServerConnection that drains says no higher number when the client breaks the rules", async () => {
  const { peer, connection } = startedFixture();
  peer.write(requestFrame(1));
  await peer.sync();
  connection.drain();
  const isGoaway = ({ type }: { readonly type: number }) => type === 7;
  await peer.next(isGoaway);
  peer.write(requestFrame(3), frame(0, { streamId: 5, payload: five }));
  const goaway = await peer.next(isGoaway);
  assert.deepEqual(goaway?.payload, Buffer.concat([uint32(1), uint32(resetCodes.protocolError)]));
});

test("ServerConnection tells the streams when the peer is gone", async () => {
  const fixture = startedFixture();
  fixture.peer.write(requestFrame(1));
  await fixture.peer.sync();
  fixture.peer.socket.destroy();
  assert.equal(await fixture.closed, undefined);
  assert.deepEqual(fixture.events, ["accept 1", "reset 1 8"]);
});

test("ServerConnection survives random frames: it answers, or ends with GOAWAY", async () => {
  const random = new SeededRandom(42);
  for (let round = 0; round < 300; round++) {
    const fixture = startedFixture();
    const { peer } = fixture;
    peer.write(requestFrame(1), requestFrame(3, { endStream: true }));
    for (let nth = 0; nth < 20; nth++) {
      const payload = random.bytes([0, 4, 5, 6, 8, random.below(40)][random.below(6)] ?? 0);
      peer.write(
        frame(random.below(11), { flags: random.below(64), streamId: random.below(6), payload }),
      );
    }
    await Promise.race([peer.sync(), fixture.closed]);
    for (const stream of fixture.streams) {
      stream.sendHeaders(headers, false);
      stream.sendData(Buffer.alloc(100), true);
    }
    fixture.connection.destroy();
    await fixture.closed;
    const open = fixture.streams.filter(({ isClosed }) => !isClosed);
    assert.deepEqual(open, []);
  }
});
