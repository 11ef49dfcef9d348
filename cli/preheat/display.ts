import { Writable } from "node:stream";

import { Presets, SingleBar } from "cli-progress";

import type { Output } from "../cli-context.ts";
import { formatBytes } from "../format-bytes.ts";
import { formatDuration } from "../format-duration.ts";
import { printable } from "../format-table.ts";
import type { BlobEvent, NodeEvent } from "./event.ts";
import type { NodeTotals } from "./node-progress.ts";
import type { ProgressTotals } from "./progress.ts";

/** Shows a preheat to somebody. */
export interface PreheatDisplay {
  /** A blob has come further; `isNews` when its state is another one. */
  blob(event: BlobEvent, totals: ProgressTotals, options: { readonly isNews: boolean }): void;
  /** A node has come further; `isLast` when nothing more comes of it. */
  node(event: NodeEvent, totals: NodeTotals, options: { readonly isLast: boolean }): void;
  /** Nothing more comes. */
  close(): void;
}

/** One line for each blob that starts, ends or fails, and each node that ends: for files and pipes. */
export function lineDisplay(output: Output): PreheatDisplay {
  return {
    blob({ digest, mediaType, size, state, problem }, { blobsDone, blobs }, { isNews }) {
      if (!isNews || state === "waiting") return;
      const word = state.padEnd("fetching".length);
      output.write(
        `${word} ${printable(digest)} ${formatBytes(size)} ${printable(mediaType)} (${blobsDone} of ${blobs} done)${reason(problem)}\n`,
      );
    },
    node({ node, state, bytes, problem }, totals, { isLast }) {
      if (!isLast) return;
      const word = state.padEnd("fetching".length);
      output.write(
        `${word} ${printable(node)} ${formatBytes(bytes)} (${throughOf(totals)})${reason(problem)}\n`,
      );
    },
    close: () => undefined,
  };
}

/** A bar over all blobs, with the rate and the time that is left, then over nodes: for terminals. */
export function barDisplay(output: Output): PreheatDisplay {
  const bar = new SingleBar(
    {
      format: "{bar} {percentage}%  {amount}  {rate}  {left}  {count}",
      hideCursor: true,
      clearOnComplete: true,
      // The bar draws itself anew at most so often, whatever comes.
      fps: 10,
      stream: terminalStream(output),
    },
    Presets.shades_classic,
  );
  bar.start(1, 0, { amount: "", rate: "", left: "", count: "" });
  return {
    blob({ digest, state, problem }, totals, { isNews }) {
      if (isNews && state === "failed") {
        output.write(`\r\u001b[Kfailed ${printable(digest)}${reason(problem)}\n`);
      }
      // A total of 0 would be no fraction at all.
      bar.setTotal(Math.max(1, totals.size));
      bar.update(totals.bytes, {
        amount: `${formatBytes(totals.bytes)} of ${formatBytes(totals.size)}`,
        rate: `${formatBytes(totals.bytesPerSecond)}/s`,
        left: totals.leftMs === undefined ? "" : `${formatDuration(totals.leftMs)} left`,
        count: `${totals.blobsDone} of ${totals.blobs} blobs`,
      });
    },
    node({ node, state, problem }, totals, { isLast }) {
      if (isLast && state !== "done") {
        output.write(`\r\u001b[K${state} ${printable(node)}${reason(problem)}\n`);
      }
      bar.setTotal(Math.max(1, totals.count));
      const rest = { amount: "", rate: "", left: "" };
      bar.update(totals.done + totals.failed, { ...rest, count: throughOf(totals) });
    },
    close: () => bar.stop(),
  };
}

function throughOf({ count, done, failed }: NodeTotals): string {
  return `${done + failed} of ${count} nodes${failed > 0 ? `, ${failed} failed` : ""}`;
}

function reason(problem: string | undefined): string {
  return problem === undefined ? "" : `: ${printable(problem)}`;
}

/** cli-progress draws only on what says that it is a terminal. */
function terminalStream(output: Output): NodeJS.WritableStream {
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _, done) => {
      output.write(text);
      done();
    },
  });
  return Object.assign(stream, { isTTY: true });
}
