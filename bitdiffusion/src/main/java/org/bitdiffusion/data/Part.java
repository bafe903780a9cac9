package org.bitdiffusion.data;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.bitdiffusion.DataException;
import org.bitdiffusion.io.TextFile;
import org.bitdiffusion.io.WholeFile;

/**
 * Some of a source's examples, in an order of their own. The whole is closed by whoever opened it.
 *
 * @param whole source
 * @param indexes of the examples in it
 */
@SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
public record Part(DataSource whole, int... indexes) implements DataSource {
  private static final String SIZE = "examples.txt";

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

  /** Keeps the number of the whole's examples too: of a larger whole, other ones are left out. */
  @Override
  public void keep(Path run) {
    whole.keep(run);
    WholeFile.write(
        run.resolve(SIZE), out -> out.write("%d%n".formatted(whole.size()).getBytes(UTF_8)));
  }

  /**
   * Of how many examples a run keeps a part, if it does.
   *
   * @throws DataException if the file that says so is damaged
   */
  public static OptionalInt wholeSize(Path run) {
    var file = run.resolve(SIZE);
    if (!Files.exists(file)) {
      return OptionalInt.empty();
    }
    try {
      return OptionalInt.of(Integer.parseInt(TextFile.read(file, 100).strip()));
    } catch (NumberFormatException e) {
      throw new DataException(file + " is damaged: it holds no number of examples", e);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  @Override
  public boolean reads(Path file) {
    return whole.reads(file);
  }

  @Override
  public String warning() {
    return whole.warning();
  }

  @Override
  public List<Map<String, Object>> facts() {
    return whole.facts();
  }
}
