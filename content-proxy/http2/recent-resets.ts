/** Streams of which we remember that we reset them: frames may still be under way. */
const rememberedMax = 256;

/** The streams that we reset not long ago. */
export class RecentResets {
  readonly #streamIds = new Set<number>();

  has(streamId: number): boolean {
    return this.#streamIds.has(streamId);
  }

  add(streamId: number): void {
    this.#streamIds.add(streamId);
    if (this.#streamIds.size <= rememberedMax) return;
    for (const oldest of this.#streamIds) {
      this.#streamIds.delete(oldest);
      break;
    }
  }
}
