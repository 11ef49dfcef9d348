import type { LayerFixture } from "../../../core/testing/layer-fixture.ts";

/** An image of layers that a good builder seldom makes, and an unpacker must know all the same. */
export interface OddImage {
  /** What is odd, the same as that of no other. */
  readonly name: string;
  /** Makes its layers, the bottom one first. */
  readonly layers: () => readonly LayerFixture[];
  /** Whether containerd refuses the last layer; it takes all others. */
  readonly isRefused?: boolean;
  /** Whether we refuse the last layer, which containerd takes: a pull then falls back to it. */
  readonly isLeft?: boolean;
  /** Whether nobody knows which of its layers containerd refuses. */
  readonly isRandom?: boolean;
  /** In what our tree of the last layer is to differ from containerd's, as `compareTrees` says it. */
  readonly differences?: readonly string[];
}
