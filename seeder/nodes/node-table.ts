import { createHash, randomUUID } from "node:crypto";

import { FailedPreconditionError, UnavailableError } from "../../core/errors.ts";
import type { NodeHello, NodeLabels } from "../../core/node-hello.ts";
import type { NodeTask, NodeTaskMessage } from "../../core/node-task.ts";
import { type NodeTaskReport, isLastReport } from "../../core/node-task-report.ts";

/** The way to a node: a connection that it keeps open. */
export interface NodeLink {
  /** Sends a line; nothing happens when the node is gone. */
  send(message: NodeTaskMessage): void;
  /** Ends the connection; the node comes back later. */
  close(): void;
}

/** A node that waits for tasks. */
export interface ConnectedNode {
  readonly hello: NodeHello;
  readonly link: NodeLink;
  /** Its place among all nodes when a part of them is chosen: the same at every seeder. */
  readonly rank: string;
}

/** Which nodes are meant. */
export interface NodeChoice {
  /** A node has all of them, with these values. */
  readonly labels: NodeLabels;
  /** How many of those with the labels, in percent; at least one of them. */
  readonly percent: number;
}

/** What a node is told to do, before the task has its name. */
export type TaskContent = Omit<NodeTask, "id">;

interface RunningTask {
  readonly node: ConnectedNode;
  readonly onReport: (report: NodeTaskReport) => void;
}

/**
 * The nodes that are connected now, and the tasks that they work on. A node is known by
 * its connection alone: when that ends, so do its tasks.
 */
export class NodeTable implements Disposable {
  readonly nodesMax: number;
  readonly #nodes = new Map<string, ConnectedNode>();
  /** By the id of the task, which only its node knows. */
  readonly #tasks = new Map<string, RunningTask>();
  #isClosed = false;

  constructor({ nodesMax }: { readonly nodesMax: number }) {
    this.nodesMax = nodesMax;
  }

  get count(): number {
    return this.#nodes.size;
  }

  /**
   * Takes a node in until the result is disposed of. An earlier connection of the same
   * node is closed: it is the one that nobody noticed to be dead.
   *
   * @throws {UnavailableError} when there are as many as may, or the seeder stops.
   */
  connect(hello: NodeHello, link: NodeLink): Disposable {
    const key = keyOf(hello);
    const before = this.#nodes.get(key);
    if (this.#isClosed) throw new UnavailableError("Cannot take nodes: the seeder stops");
    if (!before && this.#nodes.size >= this.nodesMax) {
      throw new UnavailableError("Cannot take more nodes: as many as may are connected");
    }
    if (before) this.#leave(key, before);
    const rank = createHash("sha256").update(hello.name).digest("hex");
    const node: ConnectedNode = { hello, link, rank };
    this.#nodes.set(key, node);
    return { [Symbol.dispose]: () => this.#leave(key, node) };
  }

  /** The connection that the node has now, which may be another one than before. */
  current({ hello }: ConnectedNode): ConnectedNode | undefined {
    return this.#nodes.get(keyOf(hello));
  }

  /**
   * The nodes of a choice. A part of them is spread evenly over all names, and with the
   * same nodes it is always the same one.
   *
   * @throws {FailedPreconditionError} when there is none.
   */
  choose({ labels, percent }: NodeChoice): ConnectedNode[] {
    const wanted = Object.entries(labels);
    const matching = [...this.#nodes.values()].filter(({ hello }) =>
      wanted.every(
        ([key, value]) => Object.hasOwn(hello.labels, key) && hello.labels[key] === value,
      ),
    );
    if (matching.length === 0) {
      const count = this.#nodes.size;
      throw new FailedPreconditionError(
        count === 0
          ? "Cannot choose nodes: none is connected; after a start of this seeder they come within two minutes"
          : `Cannot choose nodes: of ${count} that are connected none has the labels`,
      );
    }
    if (percent >= 100) return matching;
    matching.sort((one, other) => (one.rank < other.rank ? -1 : 1));
    return matching.slice(0, Math.ceil((matching.length * percent) / 100));
  }

  /**
   * Gives a node a task. Dispose of the result when it is not wanted any more: the node is
   * told, unless it is through.
   *
   * @param onReport Told of each report, the last of which is one of the last words.
   */
  start(
    node: ConnectedNode,
    content: TaskContent,
    onReport: (report: NodeTaskReport) => void,
  ): Disposable {
    const id = randomUUID();
    this.#tasks.set(id, { node, onReport });
    node.link.send({ task: "preheat", id, ...content });
    return {
      [Symbol.dispose]: () => {
        if (this.#tasks.delete(id)) node.link.send({ task: "cancel", id });
      },
    };
  }

  /** Takes a node's report on a task; false when nobody waits for it, so that it can stop. */
  report(id: string, report: NodeTaskReport): boolean {
    const task = this.#tasks.get(id);
    if (!task) return false;
    if (isLastReport(report)) this.#tasks.delete(id);
    task.onReport(report);
    return true;
  }

  /** Sends all nodes away. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const [key, node] of [...this.#nodes]) this.#leave(key, node);
  }

  #leave(key: string, node: ConnectedNode): void {
    if (this.#nodes.get(key) !== node) return;
    this.#nodes.delete(key);
    node.link.close();
    for (const [id, task] of [...this.#tasks]) {
      if (task.node === node) this.report(id, lostReport);
    }
  }
}

const lostReport: NodeTaskReport = {
  state: "failed",
  bytes: 0,
  size: 0,
  problem: "the connection to the node ended",
};

function keyOf({ name, instance }: NodeHello): string {
  return `${name} ${instance}`;
}
