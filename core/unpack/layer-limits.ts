/** What a layer may be at most; one that is more is refused. */
export interface LayerLimits {
  /** Entries of the tar stream. */
  readonly entriesMax: number;
  /** Bytes of the tar stream; and of all files together, holes of sparse files counted. */
  readonly tarSizeMax: number;
  /** Bytes of tar stream for each byte of the blob. */
  readonly ratioMax: number;
}

/**
 * Far above all images that are known to be in use, and low enough that a bomb is seen before
 * a disk of ordinary size has no inode left.
 */
export const defaultLayerLimits: LayerLimits = {
  entriesMax: 4_000_000,
  tarSizeMax: 1024 ** 4,
  ratioMax: 1000,
};

/**
 * Directories of one layer. Each is remembered while the layer is unpacked, in some 270 bytes;
 * with all of them that is 40 MiB, of the 64 MiB that a layer may take.
 */
export const directoriesMax = 150_000;

/** Bytes of the paths of all directories of one layer that no entry describes: for the same reason. */
export const impliedPathBytesMax = 8 * 1024 * 1024;

/**
 * Bytes of one header for long names, attributes or the map of a sparse file.
 *
 * @see Go archive/tar/format.go, maxSpecialFileSize
 */
export const specialHeaderBytesMax = 1024 * 1024;

/** Bytes of a path with its end, as the kernel takes it (PATH_MAX): no tool removes a longer one. */
export const pathBytesMax = 4096;

/**
 * Components that are looked up for one entry. A path has no more than 2,048; symbolic links add
 * some, and without end when they lead to each other.
 */
export const componentsFollowedMax = 4096;
