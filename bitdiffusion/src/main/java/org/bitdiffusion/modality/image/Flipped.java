package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import org.bitdiffusion.Seed;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.data.Schema;

/**
 * Images of which training sees every other one, at random, mirrored left to right.
 *
 * @param source of images [C, H, W]; closed with this
 */
record Flipped(DataSource source) implements DataSource {
  @Override
  public String name() {
    return source.name();
  }

  @Override
  public int size() {
    return source.size();
  }

  @Override
  public Schema schema() {
    return source.schema();
  }

  @Override
  public void read(int index, int[] target, int offset) {
    source.read(index, target, offset);
  }

  @Override
  public void read(int index, long draw, int[] target, int offset) {
    source.read(index, Seed.of(draw, 1), target, offset); // which may choose by the last bit too
    if ((draw & 1) == 1) {
      mirror(target, offset);
    }
  }

  private void mirror(int[] symbols, int offset) {
    var space = schema().space();
    int width = space.shape().get(2);
    for (var row = offset; row < offset + space.places(); row += width) {
      for (int left = row, right = row + width - 1; left < right; left++, right--) {
        var symbol = symbols[left];
        symbols[left] = symbols[right];
        symbols[right] = symbol;
      }
    }
  }

  @Override
  public int label(int index) {
    return source.label(index);
  }

  @Override
  public void keep(Path run) {
    source.keep(run);
  }

  @Override
  public boolean reads(Path file) {
    return source.reads(file);
  }

  @Override
  public String warning() {
    return source.warning();
  }

  @Override
  public void close() {
    source.close();
  }
}
