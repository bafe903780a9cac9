package org.bitdiffusion.modality;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.Allowed;
import org.bitdiffusion.data.Given;
import org.bitdiffusion.model.Samples;
import org.bitdiffusion.sampling.Known;

/**
 * Symbols as people see them, and what people say as symbols. {@link SampleFile} writes what it
 * makes. May own native memory: close it.
 */
public interface Renderer extends AutoCloseable {
  /** The place of no choice of columns. */
  int ANY_COLUMNS = 0;

  /** Endings of the files that it makes, such as {@code .png}; the first is the usual one. */
  List<String> endings();

  /** What a program that gets a file of an ending is told that it is, such as image/png. */
  String mediaType(String ending);

  /**
   * All samples as one file.
   *
   * @param ending one of {@link #endings}
   * @param columns samples side by side, where that has a meaning; {@link #ANY_COLUMNS} for what
   *     looks best
   */
  byte[] render(String ending, Samples samples, int columns);

  /** A single sample as a file of the first of {@link #endings}. */
  default byte[] renderOne(Samples one) {
    return render(endings().get(0), one, 1);
  }

  /** All samples as one file of the first of {@link #endings}. */
  default byte[] picture(Samples samples) {
    return render(endings().get(0), samples, ANY_COLUMNS);
  }

  /**
   * What a user asks for in words, such as the name of a class or of a file, for each of some
   * samples.
   *
   * @throws ConfigurationException if it means nothing here
   */
  Given given(String text, int count);

  /**
   * Symbols that are given by a file, for all samples alike.
   *
   * @throws ConfigurationException if this kind of data has no such files
   * @throws org.bitdiffusion.DataException if it cannot be read or does not fit
   */
  default Known known(Path file) {
    throw new ConfigurationException("symbols of this kind of data cannot be given by a file");
  }

  /**
   * What is asked of all samples alike.
   *
   * @param known symbols that are given, if any
   * @param allowed values that places may have
   */
  record Wanted(Optional<Known> known, List<Allowed> allowed) {}

  /**
   * What a line of conditions asks of samples, such as {@code sex=Female,age=30..39}.
   *
   * @throws ConfigurationException if this kind of data has no such lines, or it means nothing here
   */
  default Wanted wanted(String text) {
    throw new ConfigurationException("samples of this kind of data are asked for in other ways");
  }

  @Override
  default void close() {}
}
