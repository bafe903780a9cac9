package org.bitdiffusion.data;

/**
 * Examples that are computed together.
 *
 * @param symbols row-major [B, C, ...]
 * @param given what each is conditioned on
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Batch(int[] symbols, Given given) {
  /** Examples first .. first + count - 1 of a source, as they are without changes for training. */
  public static Batch of(DataSource source, int... indexes) {
    var places = source.schema().space().places();
    var symbols = new int[Math.multiplyExact(indexes.length, places)];
    for (var i = 0; i < indexes.length; i++) {
      source.read(indexes[i], symbols, i * places);
    }
    return new Batch(symbols, Given.of(source, indexes));
  }
}
