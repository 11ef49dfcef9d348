import { createHmac, timingSafeEqual } from "node:crypto";

import type { Clock } from "../../core/ports/clock.ts";

/** What becomes of a datagram. */
export type UdpVerdict =
  { readonly kind: "drop" } | { readonly kind: "answer" | "pass"; readonly message: Buffer };

/** What every client writes into its first request, and what the package wants in all. */
const protocolId = Buffer.from("0000041727101980", "hex");

/** Actions of BEP 15. */
const actions = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;

/** Length of the shortest request, and of a connect answer: nobody is sent more than it sent. */
const requestLengthMin = 16;

/** Room for the 74 info hashes that a scrape may ask for. */
const requestLengthMax = 1500;

/** Where an announce has the address that it claims: it is ignored. */
const claimedIpStart = 84;

/** An id is good in the period in which it was made and the next: for one to two minutes. */
const periodMs = 60_000;

/**
 * Sees to it that only who receives our answers can announce over UDP.
 *
 * The package gives everybody the same connection id, so that anybody could announce
 * others. Here the id is a keyed hash of address and time, which needs no memory.
 *
 * @see BEP 15
 */
export class UdpGate {
  readonly #secret: Uint8Array;
  readonly #clock: Clock;

  /** @param deps.secret Random bytes, known to this process only. */
  constructor(deps: { readonly secret: Uint8Array; readonly clock: Clock }) {
    this.#secret = deps.secret;
    this.#clock = deps.clock;
  }

  /** Judges a datagram. A message that passes is changed to what the package expects. */
  admit(message: Buffer, address: string): UdpVerdict {
    if (message.length < requestLengthMin || message.length > requestLengthMax) {
      return { kind: "drop" };
    }
    const connectionId = message.subarray(0, 8);
    const action = message.readUInt32BE(8);
    const transactionId = message.subarray(12, 16);
    const period = Math.floor(this.#clock.monotonicMs() / periodMs);
    if (action === actions.connect) {
      if (!connectionId.equals(protocolId)) return { kind: "drop" };
      const issued = this.#connectionId(address, period);
      return { kind: "answer", message: answerOf(actions.connect, transactionId, issued) };
    }
    const known = [period, period - 1].some((candidate) =>
      timingSafeEqual(connectionId, this.#connectionId(address, candidate)),
    );
    if (!known) {
      const reason = Buffer.from("unknown connection id");
      const answer = answerOf(actions.error, transactionId, reason);
      return message.length < answer.length
        ? { kind: "drop" }
        : { kind: "answer", message: answer };
    }
    const passed = Buffer.from(message);
    passed.set(protocolId);
    if (action === actions.announce) passed.subarray(claimedIpStart, claimedIpStart + 4).fill(0);
    return { kind: "pass", message: passed };
  }

  #connectionId(address: string, period: number): Buffer {
    return createHmac("sha256", this.#secret)
      .update(`${period} ${address}`)
      .digest()
      .subarray(0, 8);
  }
}

function answerOf(action: number, transactionId: Uint8Array, rest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, action]), transactionId, rest]);
}
