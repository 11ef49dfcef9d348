/**
 * Times in a row that it is told, without a byte from anybody in between: with the pauses of the
 * feed of hashes some 0.8 s, in which the engine tells of bytes three times.
 */
const tellingsMax = 3;

/**
 * Decides when a download leaves the swarm that it is in, because its seeder has ended and another
 * one has the blob now. While nodes still give each other what they have, they are left to it.
 */
export class MoveWatch {
  #tellings = 0;
  #bytesBefore: number | undefined;

  /**
   * It was told once more that another seeder has the blob; gives whether to leave.
   *
   * @param bytesGiven What anybody gave so far.
   */
  told(bytesGiven: number): boolean {
    this.#tellings = bytesGiven === this.#bytesBefore ? this.#tellings + 1 : 1;
    this.#bytesBefore = bytesGiven;
    return this.#tellings >= tellingsMax;
  }
}
