import { createDeadline } from "../../core/async/deadline.ts";
import { UnavailableError } from "../../core/errors.ts";
import type { HttpClient } from "../../core/http/http-client.ts";
import { lines } from "../../core/http/lines.ts";
import type { NodeHello } from "../../core/node-hello.ts";
import { type NodeTaskMessage, parseNodeTaskMessage } from "../../core/node-task.ts";
import { type NodeTaskReport, formatNodeTaskReport } from "../../core/node-task-report.ts";
import type { Cancellable } from "../../core/ports/cancellable.ts";

/** What {@link SeederTasks} works with. */
export interface SeederTasksDeps {
  /** Base URL of the seeder. */
  readonly url: string;
  readonly client: HttpClient;
}

/** Milliseconds that a seeder may take for the answer to a report. */
const reportTimeoutMs = 10_000;

/** The tasks that one seeder has for this node, over HTTP. */
export class SeederTasks {
  readonly #deps: SeederTasksDeps;

  constructor(deps: SeederTasksDeps) {
    this.#deps = deps;
  }

  /** Base URL of the seeder. */
  get url(): string {
    return this.#deps.url;
  }

  /**
   * Introduces the node, and gives what the seeder says as long as the connection lasts.
   *
   * @throws {UnavailableError} when the seeder cannot be reached, refuses, or hangs up.
   * @throws {InvalidArgumentError} when it says what we cannot read.
   */
  async *open(hello: NodeHello, { signal }: Cancellable): AsyncGenerator<NodeTaskMessage, void> {
    const { url, client } = this.#deps;
    const connection = createDeadline(signal);
    try {
      const { status, body } = await client.open(
        { method: "POST", url: `${url}/v1/node-tasks`, headers, body: json(hello) },
        connection,
      );
      if (status !== 200) throw new UnavailableError(`Cannot wait for tasks: answer ${status}`);
      for await (const line of lines(body)) {
        const message = parseNodeTaskMessage(line);
        if (message) yield message;
      }
    } finally {
      connection.abort();
      connection[Symbol.dispose]();
    }
  }

  /**
   * Tells how far a task is; false when the seeder does not want it any more.
   *
   * @throws {UnavailableError} when the seeder cannot be reached or cannot take it now.
   */
  async report(id: string, report: NodeTaskReport, { signal }: Cancellable): Promise<boolean> {
    const { url, client } = this.#deps;
    const deadline = createDeadline(signal, reportTimeoutMs);
    const body = Buffer.from(formatNodeTaskReport(report));
    try {
      const request = { method: "POST", url: `${url}/v1/node-tasks/${id}/results` } as const;
      const { status } = await client.request({ ...request, headers, body }, deadline);
      if (status === 404) return false;
      if (status === 204) return true;
      throw new UnavailableError(`Cannot report on a task: answer ${status}`);
    } finally {
      deadline[Symbol.dispose]();
    }
  }
}

const headers = { "content-type": "application/json" } as const;

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
