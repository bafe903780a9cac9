package org.bitdiffusion.data;

import java.nio.file.Path;

/**
 * Some of a source's examples, in an order of their own. The whole is closed by whoever opened it.
 *
 * @param whole source
 * @param indexes of the examples in it
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Part(DataSource whole, int... indexes) implements DataSource {
  @Override
  public String name() {
    return "%,d of %s".formatted(indexes.length, whole.name());
  }

  @Override
  public int size() {
    return indexes.length;
  }

  @Override
  public Schema schema() {
    return whole.schema();
  }

  @Override
  public void read(int index, int[] target, int offset) {
    whole.read(indexes[index], target, offset);
  }

  @Override
  public void read(int index, long draw, int[] target, int offset) {
    whole.read(indexes[index], draw, target, offset);
  }

  @Override
  public int label(int index) {
    return whole.label(indexes[index]);
  }

  @Override
  public void readPixels(int index, byte[] target, int offset) {
    whole.readPixels(indexes[index], target, offset);
  }

  @Override
  public void readPixels(int index, long draw, byte[] target, int offset) {
    whole.readPixels(indexes[index], draw, target, offset);
  }

  @Override
  public void keep(Path run) {
    whole.keep(run);
  }

  @Override
  public String warning() {
    return whole.warning();
  }
}
