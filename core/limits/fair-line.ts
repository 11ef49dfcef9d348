/** Flows that are remembered after they left. One that is forgotten begins as a new one. */
const rememberedMax = 256;

/** Somebody who waits, for one flow of bytes. */
export interface InLine {
  /** Names the flow, such as the blob: flows get the same, however many wait for each. */
  readonly flow: string;
}

interface Flow<W> {
  /** Bytes it got, counted as if all flows had been there from the start. */
  served: number;
  readonly waiting: W[];
}

/**
 * A line in which the flow is next that got least, and within it who came first. A flow that
 * comes, or comes back after a rest, has no claim to what it did not ask for meanwhile.
 *
 * @see "Start-time fair queueing", Goyal, Vin, Cheng 1997
 */
export class FairLine<W extends InLine> {
  readonly #flows = new Map<string, Flow<W>>();
  /** What the flow had got that was served last. */
  #served = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(waiter: W): void {
    const flow = this.#flows.get(waiter.flow) ?? { served: 0, waiting: [] };
    if (flow.waiting.length === 0) flow.served = Math.max(flow.served, this.#served);
    flow.waiting.push(waiter);
    this.#flows.set(waiter.flow, flow);
    this.#length++;
  }

  /** Takes somebody out, if there. */
  remove(waiter: W): void {
    const waiting = this.#flows.get(waiter.flow)?.waiting ?? [];
    const position = waiting.indexOf(waiter);
    if (position < 0) return;
    waiting.splice(position, 1);
    this.#left();
  }

  /** Who is next; stays in line until {@link remove}. */
  first(): W | undefined {
    let next: Flow<W> | undefined;
    for (const flow of this.#flows.values()) {
      if (flow.waiting.length > 0 && (!next || flow.served < next.served)) next = flow;
    }
    return next?.waiting[0];
  }

  /** Notes bytes that somebody in line got. */
  note(waiter: W, bytes: number): void {
    const flow = this.#flows.get(waiter.flow);
    if (!flow) return;
    this.#served = Math.max(this.#served, flow.served);
    flow.served += bytes;
  }

  #left(): void {
    this.#length--;
    if (this.#flows.size <= rememberedMax) return;
    for (const [name, { waiting }] of this.#flows)
      if (waiting.length === 0) this.#flows.delete(name);
  }
}
