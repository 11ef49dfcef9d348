import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";

import { abortable, createDeadline } from "../async/deadline.ts";
import { pause } from "../async/pause.ts";
import { UnavailableError } from "../errors.ts";
import type { IpFamily } from "../ip-address.ts";
import type { Cancellable } from "../ports/cancellable.ts";
import { type TrackerHost, addressOf } from "./tracker-host.ts";
import { type TransactionId, transactionIdOf } from "./udp-packet.ts";

/**
 * Milliseconds after which a packet is sent again, and after the last of which we give
 * up. BEP 15 starts at 15 s, for home lines; within a data centre an answer takes one.
 */
const resendAfterMs = [1000, 2000, 3000] as const;

interface Transaction {
  readonly answer: (packet: Buffer) => void;
  readonly fail: (error: Error) => void;
}

/** A socket to one server, and the requests that wait for its answers. */
export class UdpExchange implements AsyncDisposable {
  readonly family: IpFamily;
  readonly #socket: Socket;
  readonly #transactions = new Map<TransactionId, Transaction>();
  readonly #newId: () => TransactionId;
  #broken: Error | undefined;

  private constructor(socket: Socket, options: { family: IpFamily; newId: () => TransactionId }) {
    this.#socket = socket;
    this.#newId = options.newId;
    this.family = options.family;
    socket.on("message", (packet) => this.#onMessage(packet));
    socket.on("error", (error) => this.#break(error));
  }

  /**
   * Resolves the server's name and connects a socket to it, so that nobody else can
   * answer and a closed port is noticed.
   *
   * @throws {UnavailableError}
   */
  static async open(
    place: TrackerHost,
    options: Cancellable & { readonly newId: () => TransactionId },
  ): Promise<UdpExchange> {
    const { signal, newId } = options;
    signal.throwIfAborted();
    const { port = 0, family } = place;
    let socket: Socket | undefined;
    try {
      const address = await abortable(addressOf(place), signal);
      socket = createSocket(family === 6 ? "udp6" : "udp4");
      socket.connect(port, address);
      await once(socket, "connect", { signal });
      return new UdpExchange(socket, { newId, family });
    } catch (cause) {
      socket?.close();
      signal.throwIfAborted();
      throw new UnavailableError("Cannot open a socket to the tracker", { cause });
    }
  }

  /** Whether it can be used: after an error of the socket it cannot. */
  get usable(): boolean {
    return !this.#broken;
  }

  /**
   * Sends a packet, again and again until it is answered, and gives the answer.
   *
   * @throws {UnavailableError} when none comes.
   */
  async request(
    packetOf: (transactionId: TransactionId) => Buffer,
    { signal }: Cancellable,
  ): Promise<Buffer> {
    signal.throwIfAborted();
    if (this.#broken) throw this.#broken;
    const id = this.#newId();
    const deadline = createDeadline(signal);
    const answer = new Promise<Buffer>((resolve, reject) => {
      this.#transactions.set(id, { answer: resolve, fail: reject });
    });
    try {
      const sending = this.#sendUntil(packetOf(id), deadline.signal);
      return await abortable(Promise.race([answer, sending]), signal);
    } finally {
      deadline.abort();
      deadline[Symbol.dispose]();
      this.#transactions.delete(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#break(new UnavailableError("Cannot ask the tracker: socket is closed"));
  }

  async #sendUntil(packet: Buffer, signal: AbortSignal): Promise<never> {
    for (const pauseMs of resendAfterMs) {
      if (!this.#broken) this.#socket.send(packet);
      await pause(pauseMs, signal);
    }
    throw new UnavailableError("Cannot ask the tracker: no answer");
  }

  #onMessage(packet: Buffer): void {
    const id = transactionIdOf(packet);
    // Answers to nothing are late ones, or not from the tracker: they change nothing.
    if (id !== undefined) this.#transactions.get(id)?.answer(packet);
  }

  /** Such as ECONNREFUSED, which a connected socket gets to know. */
  #break(cause: Error): void {
    if (this.#broken) return;
    this.#broken = new UnavailableError("Cannot ask the tracker: socket failed", { cause });
    this.#socket.close();
    for (const { fail } of this.#transactions.values()) fail(this.#broken);
  }
}
