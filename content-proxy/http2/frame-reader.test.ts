import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameReader, type FrameHandler } from "./frame-reader.ts";
import { clientPreface, ConnectionError, resetCodes } from "./protocol.ts";
import { frame } from "./raw-peer.test-support.ts";
import { SeededRandom } from "./seeded-random.test-support.ts";

const payload = Buffer.from("twelve bytes");
const padded = Buffer.concat([Buffer.of(3), payload, Buffer.alloc(3)]);

const stream = Buffer.concat([
  clientPreface,
  frame(4, {}),
  frame(1, { flags: 4, streamId: 1, payload }),
  frame(0, { streamId: 1, payload }),
  frame(0, { flags: 8, streamId: 1, payload: padded }),
  frame(0, { flags: 9, streamId: 1, payload: Buffer.of(2, 0, 0) }),
  frame(0, { flags: 1, streamId: 1 }),
  frame(99, { streamId: 3, payload }),
]);

const expected = [
  "frame 4 0 ",
  `frame 1 1 ${payload.toString("hex")}`,
  `data 1 12 0 ${payload.toString("hex")}`,
  `data 1 16 4 ${payload.toString("hex")}`,
  "data 1 3 3 ",
  "data 1 0 0 ",
  `frame 99 3 ${payload.toString("hex")}`,
];

test("FrameReader finds the same frames wherever the bytes are cut", () => {
  for (let first = 0; first <= stream.length; first++) {
    for (const second of [first, Math.min(stream.length, first + 1), stream.length]) {
      const record = new Recorder();
      const reader = new FrameReader(record, clientPreface);
      reader.read(stream.subarray(0, first));
      reader.read(stream.subarray(first, second));
      reader.read(stream.subarray(second));
      assert.deepEqual(record.lines, expected, `cut at ${first} and ${second}`);
    }
  }
});

test("FrameReader finds the same frames byte by byte", () => {
  const record = new Recorder();
  const reader = new FrameReader(record, clientPreface);
  for (const byte of stream) reader.read(Buffer.of(byte));
  assert.deepEqual(record.lines, expected);
});

test("FrameReader hands out nothing of a frame that is cut short, DATA excepted", () => {
  for (let end = 0; end < stream.length; end++) {
    const record = new Recorder();
    new FrameReader(record, clientPreface).read(stream.subarray(0, end));
    assert.deepEqual(record.lines, expected.slice(0, record.lines.length));
  }
});

test("FrameReader refuses what is not the preface, at its first wrong byte", () => {
  for (let at = 0; at < clientPreface.length; at++) {
    const bytes = Buffer.from(clientPreface.subarray(0, at + 1));
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    assert.equal(
      codeOf(() => newReader().read(bytes)),
      resetCodes.protocolError,
    );
  }
});

test("FrameReader refuses a frame that is too long before it has come", () => {
  const header = frame(0, { streamId: 1, payload: Buffer.alloc(16385) }).subarray(0, 9);
  const read = () => newReader().read(Buffer.concat([clientPreface, header]));
  assert.equal(codeOf(read), resetCodes.frameSizeError);
});

test("FrameReader refuses padding that is longer than its frame", () => {
  for (const bytes of [Buffer.alloc(0), Buffer.of(1), Buffer.of(4, 0, 0, 0)]) {
    const data = frame(0, { flags: 8, streamId: 1, payload: bytes });
    const read = () => newReader().read(Buffer.concat([clientPreface, data]));
    assert.equal(codeOf(read), resetCodes.protocolError);
  }
});

test("FrameReader takes random bytes for frames or refuses them", () => {
  const random = new SeededRandom(9113);
  for (let round = 0; round < 5000; round++) {
    const reader = newReader();
    reader.read(clientPreface);
    codeOf(() => {
      for (let part = 0; part < 5; part++) {
        const bytes = random.bytes(random.below(60));
        if (bytes.length > 0) bytes[0] = 0; // else nearly all are too long
        reader.read(bytes);
      }
    });
  }
});

function newReader(): FrameReader {
  return new FrameReader(new Recorder(), clientPreface);
}

function codeOf(read: () => void): number | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof ConnectionError);
    return error.code;
  }
}

class Recorder implements FrameHandler {
  readonly lines: string[] = [];
  #line = "";

  frame(header: { readonly type: number; readonly streamId: number }, payload: Buffer): void {
    this.lines.push(`frame ${header.type} ${header.streamId} ${payload.toString("hex")}`);
  }

  dataStart(header: { readonly streamId: number; readonly length: number }, padding: number): void {
    this.#line = `data ${header.streamId} ${header.length} ${padding} `;
  }

  data(bytes: Buffer, last: boolean): void {
    this.#line += bytes.toString("hex");
    if (last) this.lines.push(this.#line);
  }
}
