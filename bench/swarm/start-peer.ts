import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { pollUntil } from "../../integration/support/poll.ts";
import { logsLine } from "../../integration/support/readiness.ts";
import {
  startProcess,
  type SupervisedProcess,
} from "../../integration/support/supervised-process.ts";
import type { Argv } from "../../integration/support/command.ts";
import { findReport, type LeecherReport } from "./leecher-report.ts";
import { donePattern, readyLine, type PeerSpec } from "./peer-spec.ts";

const pathOf = (name: string) => join(import.meta.dirname, name);

/** Peers say themselves when they were done: how often we look costs a crowd its processors. */
const lookIntervalMs = 100;

/** How each peer is started. Debian's module is for Debian's own Python. */
const programs = {
  shoal: [process.execPath, pathOf("shoal-peer.ts")],
  webtorrent: [process.execPath, pathOf("webtorrent-peer.ts")],
  libtorrent: ["/usr/bin/python3", pathOf("libtorrent-peer.py")],
  plain: [process.execPath, pathOf("plain-peer.ts")],
} as const satisfies Record<string, Argv>;

export type Program = keyof typeof programs;

/** All that can be a crowd, ours first: plain sockets know of one seeder only. */
export const engines = ["shoal", "webtorrent", "libtorrent"] as const satisfies readonly Program[];

export type Engine = (typeof engines)[number];

/** Debian's packages that the engines need. */
export const enginePackages = ["python3-libtorrent"] as const;

/** When a leecher was done, in milliseconds since it began. */
export interface DoneReport {
  /** All pieces were checked and written to the file. */
  readonly checkedMs: number;
  /** Besides, the file was on the disk; with our engine, its sha256 was checked too. */
  readonly durableMs: number;
  /** Of our engine only. */
  readonly report: LeecherReport | undefined;
}

export interface Peer extends AsyncDisposable {
  readonly process: SupervisedProcess;
  /** Lets a leecher begin. */
  go(): void;
  /** @throws {Error} with the end of its log when it ends before it is done. */
  done(options: { readonly signal: AbortSignal }): Promise<DoneReport>;
}

export interface PeerOptions {
  readonly program: Program;
  readonly spec: PeerSpec;
  readonly netns?: string | undefined;
  readonly logPath: string;
  readonly signal: AbortSignal;
}

/** Starts one peer and waits until it listens; a leecher waits for `go()`. */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  const { program, spec, netns, logPath, signal } = options;
  const started = await startProcess(
    {
      name: `${program} to ${spec.role}`,
      argv: [...programs[program], JSON.stringify(spec)],
      env: { NODE_NO_WARNINGS: "1" },
      logPath,
      ready: logsLine(logPath, new RegExp(`^${readyLine}$`, "m")),
      netns,
    },
    { signal },
  );
  return {
    process: started,
    go: () => void process.kill(started.pid, "SIGUSR2"),
    done: (until) => waitUntilDone(started, until.signal),
    [Symbol.asyncDispose]: () => started.stop(),
  };
}

async function waitUntilDone(peer: SupervisedProcess, signal: AbortSignal): Promise<DoneReport> {
  const over = new AbortController();
  const find = async () => {
    const log = await readFile(peer.logPath, "utf8");
    return donePattern.test(log) ? log : undefined;
  };
  try {
    const log = await Promise.race([
      pollUntil(find, {
        ...{ what: `${peer.name} to be done`, withinMs: Number.POSITIVE_INFINITY },
        ...{ intervalMs: lookIntervalMs, signal: AbortSignal.any([signal, over.signal]) },
      }),
      peer.ended.then(async (status) => {
        const logEnd = (await readFile(peer.logPath, "utf8")).slice(-2000);
        throw new Error(`${peer.name} ended with ${status} before it was done\n${logEnd}`);
      }),
    ]);
    const [, checkedMs, durableMs] = donePattern.exec(log) ?? [];
    return { checkedMs: Number(checkedMs), durableMs: Number(durableMs), report: findReport(log) };
  } finally {
    over.abort();
  }
}
