import { constants } from "node:os";
import type { TestContext } from "node:test";

import { DisposeStack, withDisposeStack } from "../../core/async/dispose-stack.ts";
import { cleanUpOf } from "../../core/testing/clean-up.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What an interrupted body rejects with. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  /** A shell ends with 128 more than this. */
  readonly signalNumber: number;

  constructor(signalName: NodeJS.Signals) {
    super(`Interrupted by ${signalName}`);
    this.signalNumber = constants.signals[signalName];
  }
}

/**
 * Runs `body` with a stack of what it has started, which is disposed of when it
 * ends, fails, or the process is told to end; then `signal` is aborted first.
 *
 * @throws {InterruptedError} after everything was disposed of.
 */
export async function withInterruptibleStack<T>(
  body: (stack: DisposeStack, options: { readonly signal: AbortSignal }) => Promise<T>,
): Promise<T> {
  const interruption = new AbortController();
  const onSignal = (name: NodeJS.Signals) => interruption.abort(new InterruptedError(name));
  for (const name of signals) process.on(name, onSignal);
  try {
    const { signal } = interruption;
    const result = await withDisposeStack((stack) => body(stack, { signal }));
    signal.throwIfAborted();
    return result;
  } catch (error) {
    // A failure that is only the echo of an interruption tells nobody anything; that of the
    // clean-up does.
    if (interruption.signal.aborted && !(error instanceof AggregateError)) {
      throw interruption.signal.reason;
    }
    throw error;
  } finally {
    for (const name of signals) process.off(name, onSignal);
  }
}

/**
 * A stack that is disposed of when the test `t` ends, however it ends,
 * and when the process is told to end in the middle of it.
 */
export function stackOf(t: Pick<TestContext, "after">): DisposeStack {
  const stack = new DisposeStack();
  let disposal: Promise<void> | undefined;
  const dispose = () => (disposal ??= stack[Symbol.asyncDispose]());
  const onSignal = (name: NodeJS.Signals) => {
    // A terminal and node's test runner both tell: the second time is not heard.
    if (disposal !== undefined) return;
    void dispose().finally(() => {
      forget();
      process.kill(process.pid, name);
    });
  };
  const forget = () => {
    for (const name of signals) process.off(name, onSignal);
  };
  for (const name of signals) process.on(name, onSignal);
  cleanUpOf(t).defer(() => dispose().finally(forget));
  return stack;
}
