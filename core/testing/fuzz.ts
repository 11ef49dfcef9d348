import { seededRandom } from "./seeded-random.ts";

/** Longest input that is made from nothing, in bytes: what goes wrong does so in the first fields. */
const randomLengthMax = 120;

/** Longest input at all, in bytes, however often parts of it were doubled. */
const inputLengthMax = 4096;

/** Changes made to one valid message: one finds what is nearly right, many what is not. */
const mutationsMax = 6;

/** Part of the inputs that are made from nothing. The others are valid ones, changed. */
const randomPart = 1 / 5;

/** Bytes of an input that a failure shows. */
const shownLengthMax = 600;

/** Numbers at which lengths, counts and signs turn. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x4000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** What stands for something in bencode and in query strings. */
const marks = Buffer.from("ilde:-0123456789%&=?/.");

/** Draws a whole number from 0 to `below` - 1. */
export type Draw = (below: number) => number;

export interface FuzzOptions {
  /** The same inputs come of the same seed, everywhere. */
  readonly seed: number;
  readonly count: number;
  /** Messages as they should be, which inputs are made from. At least one. */
  readonly valid: readonly Uint8Array[];
}

/**
 * Has a decoder read many inputs: random bytes, valid messages, and valid messages that were
 * changed. What `check` throws is told with the seed, the input's number and its bytes.
 *
 * @param check Gets an input, and numbers of the same seed for choices of its own.
 */
export function fuzz(options: FuzzOptions, check: (input: Buffer, draw: Draw) => void): void {
  for (let number = 0; number < options.count; number++) {
    const draw = drawFrom(options.seed + number);
    const input = inputFrom(options.valid, draw);
    try {
      check(input, draw);
    } catch (cause) {
      const hex = input.toString("hex", 0, shownLengthMax);
      const which = `${input.length} bytes, number ${number} of seed ${options.seed}`;
      throw new Error(`Fuzzing found ${String(cause)} by ${which}: ${hex}`, { cause });
    }
  }
}

/** Inputs as {@link fuzz} makes them, for decoders that are only reached over a socket. */
export function fuzzInputs({ seed, count, valid }: FuzzOptions): Buffer[] {
  return Array.from({ length: count }, (_, number) => inputFrom(valid, drawFrom(seed + number)));
}

/**
 * What a decoder gives for an input; `undefined` when it refused it by an error of one of
 * these classes. Any other error is a bug, and thrown on.
 */
export function decoded<T>(
  decode: () => T,
  refusals: readonly (new (...args: never[]) => Error)[],
): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (refusals.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

function drawFrom(seed: number): Draw {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1));
  return (below) => Math.floor(random() * below);
}

function inputFrom(valid: readonly Uint8Array[], draw: Draw): Buffer {
  if (draw(1000) < 1000 * randomPart) return bytesFrom(draw(randomLengthMax + 1), draw);
  let input: Buffer = Buffer.from(valid[draw(valid.length)] ?? []);
  // None now and then: what is valid has to be read.
  for (let count = draw(mutationsMax + 1); count > 0; count--) {
    const other = Buffer.from(valid[draw(valid.length)] ?? []);
    input = mutations[draw(mutations.length)]?.(input, draw, other) ?? input;
  }
  return input.subarray(0, inputLengthMax);
}

function bytesFrom(length: number, draw: Draw): Buffer {
  return Buffer.from(Array.from({ length }, () => draw(256)));
}

type Mutation = (input: Buffer, draw: Draw, other: Buffer) => Buffer;

const mutations: readonly Mutation[] = [
  (input, draw) => withBytes(input, draw(input.length + 1), Buffer.from([draw(256)])),
  (input, draw) => {
    const at = draw(input.length + 1);
    return withBytes(input, at, Buffer.from([(input[at] ?? 0) ^ (1 << draw(8))]));
  },
  (input, draw) => withBytes(input, draw(input.length + 1), markFrom(draw)),
  (input, draw) => withBytes(input, draw(input.length + 1), edgeFrom(draw)),
  // Messages begin with their lengths and numbers.
  (input, draw) => withBytes(input, draw(Math.min(20, input.length + 1)), edgeFrom(draw)),
  (input, draw) => input.subarray(0, draw(input.length + 1)),
  (input, draw) => withPlace(input, draw, (before, after) => [before, markFrom(draw), after]),
  (input, draw) =>
    withPlace(input, draw, (before, after) => [before, bytesFrom(draw(9), draw), after]),
  (input, draw) => withPlace(input, draw, (before, after) => [before, after.subarray(draw(9))]),
  (input, draw) =>
    withPlace(input, draw, (before, after) => [before, after.subarray(0, draw(40)), after]),
  (input, draw, other) => withPlace(input, draw, (before) => [before, other]),
  (input, draw, other) =>
    withPlace(input, draw, (before, after) => [before, other.subarray(draw(other.length)), after]),
];

/** Writes bytes over what stands at a place, and past the end of the input at most by them. */
function withBytes(input: Buffer, at: number, bytes: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), bytes, input.subarray(at + bytes.length)]);
}

function withPlace(
  input: Buffer,
  draw: Draw,
  parts: (before: Buffer, after: Buffer) => readonly Buffer[],
): Buffer {
  const at = draw(input.length + 1);
  return Buffer.concat(parts(input.subarray(0, at), input.subarray(at)));
}

function markFrom(draw: Draw): Buffer {
  return Buffer.from([marks[draw(marks.length)] ?? 0]);
}

/** A number at an edge, or beside it, in 1, 2 or 4 bytes. */
function edgeFrom(draw: Draw): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((edges[draw(edges.length)] ?? 0) >>> 0);
  return bytes.subarray(4 - ([1, 2, 4][draw(3)] ?? 4));
}
