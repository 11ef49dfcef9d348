// The shoal command: what touches the process itself. All else is in program.ts.
import type { Output } from "./cli-context.ts";
import { exitCodes } from "./exit-code.ts";
import { runProgram } from "./program.ts";

/** What shells add to the number of the signal that ended a program. */
const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

const shutdown = new AbortController();

for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // Who asks twice does not want to wait for the rest.
    if (shutdown.signal.aborted) process.exit(128 + signalNumbers[name]);
    shutdown.abort(new DOMException(`Stopped by ${name}`, "AbortError"));
  });
}

// A reader such as `head` that has enough is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.ok : exitCodes.failure);
});

process.exitCode = await runProgram(process.argv.slice(2), {
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  environment: process.env,
  signal: shutdown.signal,
  onReload: (reload) => void process.on("SIGHUP", reload),
  cutAfter: (durationMs) => {
    setTimeout(() => process.exit(exitCodes.failure), durationMs).unref();
  },
});

function outputOf(stream: NodeJS.WriteStream): Output {
  return { isTerminal: stream.isTTY, write: (text) => void stream.write(text) };
}
