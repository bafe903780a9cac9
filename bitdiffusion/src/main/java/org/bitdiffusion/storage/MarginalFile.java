package org.bitdiffusion.storage;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.bitdiffusion.data.Marginal;
import org.bitdiffusion.io.RegularFile;
import org.bitdiffusion.io.WholeFile;

/** How often the values of each place occur, beside a run's config.yaml: a line for each place. */
public final class MarginalFile {
  private static final String NAME = "marginals.json";
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ObjectReader LINES =
      JSON.readerFor(Line.class)
          .with(
              DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
              DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
              DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private MarginalFile() {}

  /**
   * A marginal as JSON has it.
   *
   * @param categories K
   * @param starts the first value of each segment
   * @param counts of each segment's values together
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Line(int categories, int[] starts, long[] counts) {
    /** Of a marginal. */
    public static Line of(Marginal marginal) {
      var segments = marginal.segments();
      return new Line(
          marginal.categories(),
          IntStream.range(0, segments).map(marginal::start).toArray(),
          IntStream.range(0, segments).mapToLong(marginal::count).toArray());
    }

    /**
     * The marginal.
     *
     * @throws IllegalArgumentException if these are no segments of 0 .. K-1
     */
    public Marginal marginal() {
      return Marginal.of(categories, starts, counts);
    }
  }

  /**
   * Writes the file of a run's folder; removes it where nothing is known.
   *
   * @throws DataException if it cannot be written
   */
  static void write(Path run, List<Marginal> marginals) {
    var file = run.resolve(NAME);
    if (marginals.isEmpty()) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw DataException.cannotWrite(file, e);
      }
      return;
    }
    WholeFile.write(
        file,
        out -> {
          for (var marginal : marginals) {
            out.write((JSON.writeValueAsString(Line.of(marginal)) + "\n").getBytes(UTF_8));
          }
        });
  }

  /**
   * What stands beside a configuration; empty where there is no such file.
   *
   * @param folder of the configuration
   * @throws DataException if the file cannot be read, or is damaged
   */
  public static List<Marginal> read(Path folder) {
    var file = folder.resolve(NAME);
    if (!Files.exists(file)) {
      return List.of();
    }
    try {
      var lines = Files.readAllLines(RegularFile.require(file));
      var marginals = new Marginal[lines.size()];
      for (var i = 0; i < marginals.length; i++) {
        marginals[i] = marginal(file, i, lines.get(i));
      }
      return Arrays.asList(marginals);
    } catch (IOException e) {
      throw DataException.cannotRead(file, e);
    }
  }

  private static Marginal marginal(Path file, int line, String text) {
    try {
      Line read = LINES.readValue(text);
      if (read != null) {
        return read.marginal();
      }
    } catch (JsonProcessingException | IllegalArgumentException | ArithmeticException e) {
      throw damaged(file, line, e);
    }
    throw damaged(file, line, null);
  }

  private static DataException damaged(Path file, int line, Exception cause) {
    return new DataException(
        "%s line %d is damaged: it does not tell how often the values of a place occur; take the file from where the run is whole"
            .formatted(file, line + 1),
        cause);
  }
}
