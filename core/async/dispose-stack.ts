/**
 * Owns things that must be disposed of, and does it in reverse order. Stands in for
 * `AsyncDisposableStack` and `await using`, which Node 22 does not have.
 *
 * ```ts
 * const started = new DisposeStack();
 * try {
 *   const store = started.use(await openStore());
 *   return started.move();
 * } catch (error) {
 *   await started.disposeAfter(error);
 * }
 * ```
 */
export class DisposeStack implements AsyncDisposable {
  #disposals: (() => unknown)[] = [];

  /** Takes over a resource, and gives it back for use. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() =>
      Symbol.asyncDispose in resource
        ? resource[Symbol.asyncDispose]()
        : resource[Symbol.dispose](),
    );
    return resource;
  }

  /** Takes over a piece of clean-up. */
  defer(dispose: () => unknown): void {
    this.#disposals.push(dispose);
  }

  /** Hands everything over to a new stack: this one has nothing left to dispose of. */
  move(): DisposeStack {
    const moved = new DisposeStack();
    moved.#disposals = this.#disposals;
    this.#disposals = [];
    return moved;
  }

  /**
   * Disposes of everything, also when some of it fails. Idempotent.
   *
   * @throws {AggregateError} of what failed, after all was tried.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let dispose = this.#disposals.pop(); dispose; dispose = this.#disposals.pop()) {
      try {
        await dispose();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "Cannot dispose of everything");
  }

  /** Disposes of everything because of `error`, which is thrown; it comes first in what is told. */
  async disposeAfter(error: unknown): Promise<never> {
    try {
      await this[Symbol.asyncDispose]();
    } catch (failure) {
      throw new AggregateError([error, failure], "Cannot clean up after a failure");
    }
    throw error;
  }
}

/** Runs `body` with a stack that is disposed of when it ends, however it ends. */
export async function withDisposeStack<T>(body: (stack: DisposeStack) => Promise<T>): Promise<T> {
  const stack = new DisposeStack();
  let result: T;
  try {
    result = await body(stack);
  } catch (error) {
    return stack.disposeAfter(error);
  }
  await stack[Symbol.asyncDispose]();
  return result;
}
