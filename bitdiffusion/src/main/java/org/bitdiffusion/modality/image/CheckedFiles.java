package org.bitdiffusion.modality.image;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bitdiffusion.DataException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Image files, each of which was decoded once, so that a bad one is found at once and not in the
 * middle of the night.
 *
 * @param good indexes of the files that can be used
 * @param images what each of these was decoded to; empty where nothing was to be kept
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record CheckedFiles(int[] good, byte[][] images) {
  private static final Logger LOGGER = LoggerFactory.getLogger(CheckedFiles.class);
  private static final int NAMED = 20; // bad images in one message
  private static final int MANY = 2_000; // images, of which the reading takes a while

  /**
   * Decodes files, on all processors.
   *
   * @param place where they are, for a person
   * @param keep whether to keep what they are decoded to
   * @param skipBad whether those that cannot be decoded are left out instead of an error
   * @throws DataException if none is good, or one is bad and shall not be left out
   */
  static CheckedFiles decode(
      String place,
      List<Path> files,
      Function<Path, byte[]> decoding,
      boolean keep,
      boolean skipBad) {
    if (files.size() >= MANY) {
      LOGGER.info("reading {} images in {}", files.size(), place);
    }
    var images = new byte[files.size()][];
    var faults = new String[files.size()];
    IntStream.range(0, images.length)
        .parallel()
        .forEach(
            i -> {
              try {
                var image = decoding.apply(files.get(i));
                images[i] = keep ? image : null;
              } catch (DataException e) {
                faults[i] = e.getMessage();
              }
            });
    report(place, faults, skipBad);
    var good = IntStream.range(0, faults.length).filter(i -> faults[i] == null).toArray();
    return new CheckedFiles(
        good,
        keep ? Arrays.stream(good).mapToObj(i -> images[i]).toArray(byte[][]::new) : new byte[0][]);
  }

  /** What belongs to the good ones. */
  <T> List<T> good(List<T> all) {
    return Arrays.stream(good).mapToObj(all::get).toList();
  }

  private static void report(String place, String[] faults, boolean skip) {
    var bad = Arrays.stream(faults).filter(Objects::nonNull).toList();
    if (bad.isEmpty()) {
      return;
    }
    var more = bad.size() - 1;
    if (bad.size() == faults.length) {
      throw new DataException(
          "%s holds no image that can be used: %s%s"
              .formatted(place, bad.get(0), more == 0 ? "" : " (and so on)"));
    }
    if (!skip) {
      throw new DataException(
          "%s%s; ',skip_bad=true' after the path leaves bad images out"
              .formatted(bad.get(0), more == 0 ? "" : " (and %,d more)".formatted(more)));
    }
    LOGGER.warn(
        "left out {} of {} images: {}{}",
        bad.size(),
        faults.length,
        String.join("; ", bad.subList(0, Math.min(bad.size(), NAMED))),
        bad.size() > NAMED ? "; ..." : "");
  }
}
