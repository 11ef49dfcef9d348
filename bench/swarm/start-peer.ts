import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { logsLine } from "../../integration/support/readiness.ts";
import {
  startProcess,
  type SupervisedProcess,
} from "../../integration/support/supervised-process.ts";
import type { Argv } from "../../integration/support/command.ts";
import { donePattern, readyLine, type PeerSpec } from "./peer-spec.ts";

const program = (name: string) => join(import.meta.dirname, name);

/** How a peer of each engine is started. Debian's module is for Debian's own Python. */
const programs = {
  shoal: [process.execPath, program("shoal-peer.ts")],
  webtorrent: [process.execPath, program("webtorrent-peer.ts")],
  libtorrent: ["/usr/bin/python3", program("libtorrent-peer.py")],
} as const satisfies Record<string, Argv>;

export type Engine = keyof typeof programs;

/** All engines, ours first. */
export const engines = Object.keys(programs) as readonly Engine[];

/** Debian's packages that the engines need. */
export const enginePackages = ["python3-libtorrent"] as const;

/** When a leecher was done, in milliseconds since it began. */
export interface DoneReport {
  /** All pieces were checked and written to the file. */
  readonly checkedMs: number;
  /** Besides, the file was on the disk; with our engine, its sha256 was checked too. */
  readonly durableMs: number;
}

export interface Peer extends AsyncDisposable {
  readonly process: SupervisedProcess;
  /** Lets a leecher begin. */
  go(): void;
  /** @throws {Error} with the end of its log when it ends before it is done. */
  done(options: { readonly signal: AbortSignal }): Promise<DoneReport>;
}

export interface PeerOptions {
  readonly engine: Engine;
  readonly spec: PeerSpec;
  readonly netns?: string | undefined;
  readonly logPath: string;
  readonly signal: AbortSignal;
}

/** Starts one peer and waits until it listens; a leecher waits for `go()`. */
export async function startPeer(options: PeerOptions): Promise<Peer> {
  const { engine, spec, netns, logPath, signal } = options;
  const started = await startProcess(
    {
      name: `${engine} to ${spec.role}`,
      argv: [...programs[engine], JSON.stringify(spec)],
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
  const done = logsLine(peer.logPath, donePattern);
  try {
    const match = await Promise.race([
      done({ signal: AbortSignal.any([signal, over.signal]) }),
      peer.ended.then(async (status) => {
        const log = (await readFile(peer.logPath, "utf8")).slice(-2000);
        throw new Error(`${peer.name} ended with ${status} before it was done\n${log}`);
      }),
    ]);
    return { checkedMs: Number(match[1]), durableMs: Number(match[2]) };
  } finally {
    over.abort();
  }
}
