import type { IncomingMessage, ServerResponse } from "node:http";

import { InvalidArgumentError } from "../../core/errors.ts";
import { errorAnswer, sendAnswer } from "../../core/http/http-answer.ts";
import { readBody } from "../../core/http/read-body.ts";
import { nodeHelloLengthMax, parseNodeHello } from "../../core/node-hello.ts";
import { type NodeTaskMessage, formatNodeTaskMessage } from "../../core/node-task.ts";
import { nodeTaskReportLengthMax, parseNodeTaskReport } from "../../core/node-task-report.ts";
import type { NodeTable } from "../nodes/node-table.ts";
import { parseJsonBody } from "./json-body.ts";

/**
 * Milliseconds between two signs of life: a node that hears nothing for three times as
 * long connects anew, and a connection that is dead is noticed by the system.
 */
const aliveIntervalMs = 30_000;

/** Unread bytes at which a node counts as dead: hundreds of tasks. */
const unreadBytesMax = 256 * 1024;

/**
 * Answers `POST /v1/node-tasks`: a node introduces itself in the body, which may be longer
 * than headers may, and gets a line for each task as long as it stays connected.
 */
export async function nodeTasksRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { table }: { readonly table: NodeTable },
): Promise<void> {
  const hello = parseNodeHello(await readJson(request, nodeHelloLengthMax));
  if (response.destroyed) return;
  const send = (message: NodeTaskMessage) => {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > unreadBytesMax) response.destroy();
    else response.write(formatNodeTaskMessage(message));
  };
  const connected = table.connect(hello, { send, close: () => void response.end() });
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  send({ task: "none" });
  const alive = setInterval(() => send({ task: "none" }), aliveIntervalMs);
  response.once("close", () => {
    clearInterval(alive);
    connected[Symbol.dispose]();
  });
}

/** Answers `POST /v1/node-tasks/<id>/results`; 404 tells the node that nobody wants it any more. */
export async function nodeReportRoute(
  request: IncomingMessage,
  response: ServerResponse,
  { table, id }: { readonly table: Pick<NodeTable, "report">; readonly id: string },
): Promise<void> {
  const report = parseNodeTaskReport(await readJson(request, nodeTaskReportLengthMax));
  if (table.report(id, report)) response.writeHead(204, { "cache-control": "no-store" }).end();
  else sendAnswer(response, errorAnswer("not_found", "Cannot find a task of that id"));
}

async function readJson(request: IncomingMessage, lengthMax: number): Promise<unknown> {
  const body = await readBody(request, lengthMax);
  if (!body) throw new InvalidArgumentError("Cannot read the request: it is too long");
  return parseJsonBody(body);
}
