import { randomUUID } from "node:crypto";

import { createDeadline } from "../core/async/deadline.ts";
import { UnavailableError } from "../core/errors.ts";
import { type ImageReference, formatImageReference } from "../core/image-reference.ts";
import { type Platform, formatPlatform } from "../core/platform.ts";
import type { Cancellable } from "../core/ports/cancellable.ts";
import { type PreheatReport, statusListMax } from "../core/service-status.ts";
import type { ConnectedNode, NodeChoice, NodeTable } from "./nodes/node-table.ts";
import type { PreheatEvent } from "./preheat-event.ts";
import { type OnPreheatEvent, type PreheatDeps, type PreheatResult, preheat } from "./preheat.ts";

/** What {@link Preheats} works with. */
export interface PreheatsDeps extends PreheatDeps {
  readonly table: NodeTable;
  /** Preheats at once. */
  readonly preheatsMax: number;
  /** For requests that name none: that of the seeder, which is mostly that of the cluster. */
  readonly platformDefault: Platform;
}

/** What is asked of a seeder. */
export interface PreheatRequest {
  readonly reference: ImageReference;
  /** Left out: those of the nodes that get it, or that of the seeder. */
  readonly platforms?: readonly Platform[] | "all";
  /** Nodes that get it, too. */
  readonly nodes?: NodeChoice;
}

/** A preheat under way, and how far it is. */
interface Running {
  readonly image: string;
  readonly stop: (reason: unknown) => void;
  readonly blobs: Map<string, { readonly bytes: number; readonly size: number }>;
  nodes: { count: number; done: number; failed: number } | undefined;
}

/** The preheats of a seeder: how many there may be, which there are, and an end for each. */
export class Preheats {
  readonly #deps: PreheatsDeps;
  readonly #running = new Map<string, Running>();

  constructor(deps: PreheatsDeps) {
    this.#deps = deps;
  }

  /** Whether another preheat may run. */
  get hasPlace(): boolean {
    return this.#running.size < this.#deps.preheatsMax;
  }

  /**
   * Preheats an image.
   *
   * @throws {UnavailableError} when as many as may are running.
   * @throws {FailedPreconditionError} when no node is such as it is for.
   */
  async run(
    request: PreheatRequest,
    { onEvent, signal }: Cancellable & { readonly onEvent: OnPreheatEvent },
  ): Promise<PreheatResult> {
    const { platformDefault, table } = this.#deps;
    if (!this.hasPlace) {
      throw new UnavailableError("Cannot preheat: as many as may are running");
    }
    const { reference } = request;
    const chosen = request.nodes && table.choose(request.nodes);
    const platforms = request.platforms ?? (chosen ? platformsOf(chosen) : [platformDefault]);
    const image = formatImageReference(reference);
    const id = randomUUID();
    const canceling = createDeadline(signal);
    const running: Running = {
      ...{ image, blobs: new Map(), nodes: undefined },
      stop: (reason) => canceling.abort(reason),
    };
    this.#running.set(id, running);
    try {
      onEvent({ event: "start", id, image });
      const nodes = chosen && { chosen, hasOwnPlatform: request.platforms === undefined };
      return await preheat(
        { reference, platforms, nodes },
        {
          ...this.#deps,
          signal: canceling.signal,
          onEvent: (event) => {
            note(running, event);
            onEvent(event);
          },
        },
      );
    } finally {
      this.#running.delete(id);
      canceling[Symbol.dispose]();
    }
  }

  /** Ends a preheat; false when there is none of that id. */
  cancel(id: string): boolean {
    const running = this.#running.get(id);
    running?.stop(new DOMException("The preheat was canceled", "AbortError"));
    return running !== undefined;
  }

  /** Those under way, for people to look at. */
  report(): PreheatReport[] {
    return [...this.#running].slice(0, statusListMax).map(([id, { image, blobs, nodes }]) => {
      let [bytes, size] = [0, 0];
      for (const blob of blobs.values()) {
        bytes += blob.bytes;
        size += blob.size;
      }
      const state = nodes ? "nodes" : "fetching";
      return { id, image, state, bytes, size, ...(nodes && { nodes: { ...nodes } }) };
    });
  }
}

function note(running: Running, event: PreheatEvent): void {
  if (event.event === "blob") {
    running.blobs.set(event.digest, { bytes: event.bytes, size: event.size });
  } else if (event.event === "nodes") {
    running.nodes = { count: event.count, done: 0, failed: 0 };
  } else if (event.event === "node" && running.nodes) {
    if (event.state === "done") running.nodes.done++;
    if (event.state === "failed") running.nodes.failed++;
  }
}

/** Each once. */
function platformsOf(nodes: readonly ConnectedNode[]): Platform[] {
  const byName = new Map(
    nodes.map(({ hello: { platform } }) => [formatPlatform(platform), platform]),
  );
  return [...byName.values()];
}
