import { DisposeStack } from "../async/dispose-stack.ts";

/** A test: node's `TestContext`. */
interface Ending {
  readonly after: (hook: () => unknown) => void;
}

const stacks = new WeakMap<Ending, DisposeStack>();

/**
 * The clean-up of a test: what it takes over is disposed of when the test has ended, the
 * newest first, so that whoever uses a thing ends before the thing does. A step that fails
 * keeps no other from running, and fails the test.
 *
 * `t.after()` runs its hooks the oldest first, and none after one that failed: a folder would
 * be removed while a daemon writes there, and the daemon would run for ever.
 */
export function cleanUpOf(t: Ending): DisposeStack {
  const known = stacks.get(t);
  if (known) return known;
  const stack = new DisposeStack();
  stacks.set(t, stack);
  // eslint-disable-next-line no-restricted-syntax -- the only hook of a test
  t.after(() => stack[Symbol.asyncDispose]());
  return stack;
}
