import { brokenImages } from "./broken-images.ts";
import { builderImages } from "./builder-images.ts";
import { compressionImages } from "./compression-images.ts";
import { entryImages } from "./entry-images.ts";
import { headerImages } from "./header-images.ts";
import { nameImages } from "./name-images.ts";
import type { OddImage } from "./odd-image.ts";
import { orderImages } from "./order-images.ts";
import { smallFilesImage } from "./small-files-image.ts";
import { sparseImages } from "./sparse-images.ts";
import { whiteoutImages } from "./whiteout-images.ts";
import { xattrImages } from "./xattr-images.ts";

/** Every case of what layers may have that an unpacker must know. */
export const oddImages: readonly OddImage[] = [
  ...entryImages,
  ...headerImages,
  ...nameImages,
  ...xattrImages,
  ...orderImages,
  ...whiteoutImages,
  ...sparseImages,
  ...compressionImages,
  ...builderImages,
  ...brokenImages,
  smallFilesImage,
];
